package tenantgate

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
)

func newHeaderGate(t testing.TB, headers Headers) *Gate {
	t.Helper()
	gate, err := New(Config{TrustHeaders: true, Headers: headers})
	if err != nil {
		t.Fatal(err)
	}
	return gate
}

func TestTrustedHeaders(t *testing.T) {
	id := [2]string{"X-Authz-Decision-Id", "decision-1"}
	user := [2]string{"x-user-id", "u1"}
	tests := map[string]struct {
		headers  [][2]string
		problem  string // of Middleware
		optional string // of Optional
		want     Identity
	}{
		"of a member": {
			headers: [][2]string{id, user, {"x-org-id", "org-a"}, {"x-org-role", "staff, viewer"}, {"x-user-role", "user"}},
			want: Identity{UserID: "u1", OrganizationID: "org-a", OrganizationRoles: []string{"staff", "viewer"},
				PlatformRoles: []string{"user"}, DecisionID: "decision-1"},
		},
		"of a user without an organization": {
			headers: [][2]string{id, user},
			want:    Identity{UserID: "u1", DecisionID: "decision-1"},
		},
		"of nobody, on a public route": {headers: [][2]string{id}, problem: notThroughGate},
		"none":                         {problem: notThroughGate, optional: notThroughGate},
		"without a decision":           {headers: [][2]string{user}, problem: notThroughGate, optional: notThroughGate},
		"with two users":               {headers: [][2]string{id, user, {"x-user-id", "u2"}}, problem: invalid, optional: invalid},
		"with a list of users":         {headers: [][2]string{id, {"x-user-id", "u1,u2"}}, problem: invalid, optional: invalid},
		"with two decisions":           {headers: [][2]string{id, id, user}, problem: invalid, optional: invalid},
		"with an organization that is no id": {
			headers: [][2]string{id, user, {"x-org-id", "a b"}}, problem: invalid, optional: invalid,
		},
		"with a role of nobody": {headers: [][2]string{id, {"x-user-role", "superadmin"}}, problem: invalid, optional: invalid},
		"with an id beyond all bounds": {
			headers: [][2]string{id, {"x-user-id", strings.Repeat("u", 256)}}, problem: invalid, optional: invalid,
		},
	}
	gate := newHeaderGate(t, Headers{})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := ask(t, gate.Middleware, test.headers...)
			if got.problem != test.problem || got.seen == (test.problem != "") {
				t.Errorf("got %d %s", got.status, got.problem)
			}
			if got.seen && !reflect.DeepEqual(got.identity, test.want) {
				t.Errorf("got %+v", got.identity)
			}
			if got := ask(t, gate.Optional, test.headers...); got.problem != test.optional || got.seen == (test.optional != "") {
				t.Errorf("optional: got %d %s", got.status, got.problem)
			}
		})
	}
}

func TestHeadersOfThePolicy(t *testing.T) {
	gate := newHeaderGate(t, Headers{UserID: "X-Subject"})
	id := [2]string{"x-authz-decision-id", "d"}
	if got := ask(t, gate.Middleware, id, [2]string{"x-subject", "u7"}); got.identity.UserID != "u7" {
		t.Errorf("got %+v", got)
	}
	if got := ask(t, gate.Middleware, id, [2]string{"x-user-id", "u7"}); got.problem != notThroughGate {
		t.Errorf("got %+v", got)
	}
}

func TestRolesInHeadersAreAsTheGateWritesThem(t *testing.T) {
	for role, want := range map[string]string{
		"team lead":           "team lead",
		"chefé€😀":             "chef%C3%A9%E2%82%AC%F0%9F%98%80",
		"a\r\nx-user-role: x": "a%0D%0Ax-user-role: x",
		"a\x7f":               "a%7F",
	} {
		if got := joinRoles([]string{"viewer", role}); got != "viewer,"+want {
			t.Errorf("%q: got %q", role, got)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for name, config := range map[string]Config{
		"nothing":              {},
		"no audience":          {JWKSURL: "http://tenantgate:9180/.well-known/jwks.json"},
		"no URL":               {JWKSURL: "tenantgate:9180", Audience: "leave"},
		"a file":               {JWKSURL: "file:///keys", Audience: "leave"},
		"both ways of proving": {JWKSURL: "http://t", Audience: "leave", TrustHeaders: true},
	} {
		if gate, err := New(config); err == nil || gate != nil {
			t.Errorf("%s: got a gate", name)
		}
	}
}

func FuzzHeaders(f *testing.F) {
	f.Add("decision-1", "u1", "org-a", "staff,viewer", "user")
	f.Add("d", "", "", "owner", "")
	gate := newHeaderGate(f, Headers{})
	f.Fuzz(func(t *testing.T, decision, user, organization, roles, platformRoles string) {
		header := http.Header{}
		for name, value := range map[string]string{
			decisionIDHeader: decision, "X-User-Id": user, "X-Org-Id": organization,
			"X-Org-Role": roles, "X-User-Role": platformRoles,
		} {
			header.Set(name, value)
		}
		identity, err := gate.headers.identity(header)
		if err != nil {
			return
		}
		if identity.UserID != user || identity.OrganizationID != organization || decision == "" {
			t.Errorf("got %+v", identity)
		}
		if user == "" && (organization != "" || len(identity.OrganizationRoles)+len(identity.PlatformRoles) > 0 && roles+platformRoles != "") {
			t.Errorf("nobody has %+v", identity)
		}
		for _, role := range identity.OrganizationRoles {
			if role == "" || strings.Contains(role, ",") {
				t.Errorf("a role %q", role)
			}
		}
	})
}
