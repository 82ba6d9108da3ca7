package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	tenantgate "github.com/tenantgate/tenantgate/go"
)

// as asks the service as the gate would for a user in an organization; "" is past the gate.
func as(t *testing.T, service http.Handler, user, organization, line, body string) (int, string) {
	t.Helper()
	method, path, _ := strings.Cut(line, " ")
	request := httptest.NewRequest(method, path, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	if user != "" {
		request.Header.Set("X-Authz-Decision-Id", "decision-1")
		request.Header.Set("X-User-Id", user)
	}
	if organization != "" {
		request.Header.Set("X-Org-Id", organization)
	}
	recorder := httptest.NewRecorder()
	service.ServeHTTP(recorder, request)
	return recorder.Code, recorder.Body.String()
}

func newTestService(t *testing.T) http.Handler {
	t.Helper()
	gate, err := tenantgate.New(tenantgate.Config{TrustHeaders: true})
	if err != nil {
		t.Fatal(err)
	}
	return newService(gate, newStore())
}

const ofA = "/api/v1/organizations/org-a/leave"

func TestLeaveIsAskedForFoundAndApproved(t *testing.T) {
	service := newTestService(t)
	status, body := as(t, service, "u1", "org-a", "POST "+ofA, `{"from":"2026-12-01","to":"2026-12-03","reason":"ski trip"}`)
	var created leave
	if err := json.Unmarshal([]byte(body), &created); status != http.StatusCreated || err != nil || created.UserID != "u1" {
		t.Fatalf("got %d %s", status, body)
	}
	for line, has := range map[string]bool{
		"GET " + ofA: true, "GET " + ofA + "/search/ski": true, "GET " + ofA + "/search/sea": false,
	} {
		if status, body := as(t, service, "u2", "org-a", line, ""); status != 200 || strings.Contains(body, created.ID) != has {
			t.Errorf("%s: got %d %s", line, status, body)
		}
	}
	status, body = as(t, service, "u2", "org-a", "POST "+ofA+"/"+created.ID+"/approve", "")
	if status != 200 || !strings.Contains(body, `"approvedBy":"u2"`) {
		t.Errorf("got %d %s", status, body)
	}
}

func TestOrganizationsSeeNothingOfEachOther(t *testing.T) {
	service := newTestService(t)
	_, body := as(t, service, "u1", "org-a", "POST "+ofA, `{"from":"2026-12-01","to":"2026-12-03"}`)
	var created leave
	if err := json.Unmarshal([]byte(body), &created); err != nil {
		t.Fatal(err)
	}
	ofB := "/api/v1/organizations/org-b/leave"
	if _, body := as(t, service, "u9", "org-b", "GET "+ofB, ""); body != "[]\n" {
		t.Errorf("org-b sees %s", body)
	}
	if status, _ := as(t, service, "u9", "org-b", "POST "+ofB+"/"+created.ID+"/approve", ""); status != 404 {
		t.Errorf("org-b approves: %d", status)
	}
	// The path of one organization with the identity of another.
	if status, body := as(t, service, "u9", "org-b", "GET "+ofA, ""); status != 403 {
		t.Errorf("got %d %s", status, body)
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	service := newTestService(t)
	for name, test := range map[string]struct {
		user, organization, line, body string
		status                         int
	}{
		"past the gate":           {"", "", "GET " + ofA, "", 403},
		"without an organization": {"u1", "", "GET " + ofA, "", 403},
		"no day":                  {"u1", "org-a", "POST " + ofA, `{"from":"soon","to":"later"}`, 422},
		"the end first":           {"u1", "org-a", "POST " + ofA, `{"from":"2026-12-03","to":"2026-12-01"}`, 422},
		"no JSON":                 {"u1", "org-a", "POST " + ofA, `{`, 400},
		"a body without end":      {"u1", "org-a", "POST " + ofA, `{"reason":"` + strings.Repeat("a", maxBodyBytes) + `"}`, 413},
		"no such route":           {"u1", "org-a", "GET /api/v1/elsewhere", "", 404},
	} {
		t.Run(name, func(t *testing.T) {
			if status, body := as(t, service, test.user, test.organization, test.line, test.body); status != test.status {
				t.Errorf("got %d %s", status, body)
			}
		})
	}
}

func TestHealthNeedsNoGate(t *testing.T) {
	if status, _ := as(t, newTestService(t), "", "", "GET /healthz", ""); status != 200 {
		t.Errorf("got %d", status)
	}
}
