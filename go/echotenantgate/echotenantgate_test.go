package echotenantgate_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v5"

	tenantgate "github.com/tenantgate/tenantgate/go"
	"github.com/tenantgate/tenantgate/go/echotenantgate"
)

func newServer(t *testing.T) *echo.Echo {
	t.Helper()
	gate, err := tenantgate.New(tenantgate.Config{TrustHeaders: true})
	if err != nil {
		t.Fatal(err)
	}
	permissions := tenantgate.PermissionsFunc(func(_ context.Context, user, organization string) ([]string, error) {
		return map[string][]string{"u1 org-a": {"leave:approve"}}[user+" "+organization], nil
	})
	who := func(c *echo.Context) error {
		identity, ok := echotenantgate.Identity(c)
		return c.JSON(http.StatusOK, map[string]any{"user": identity.UserID, "known": ok})
	}
	e := echo.New()
	e.GET("/me", who, echotenantgate.Middleware(gate))
	e.GET("/news", who, echotenantgate.Optional(gate))
	e.GET("/approve", who, echotenantgate.Middleware(gate), echotenantgate.RequirePermission(permissions, "leave:approve"))
	e.GET("/delete", who, echotenantgate.Middleware(gate), echotenantgate.RequirePermission(permissions, "leave:delete"))
	e.GET("/open", who)
	return e
}

func TestMiddleware(t *testing.T) {
	decision := [2]string{"X-Authz-Decision-Id", "decision-1"}
	user := [2]string{"X-User-Id", "u1"}
	member := [][2]string{decision, user, {"X-Org-Id", "org-a"}}
	tests := map[string]struct {
		path    string
		headers [][2]string
		status  int
		user    string
		problem string
	}{
		"a user":                     {"/me", [][2]string{decision, user}, 200, "u1", ""},
		"nobody":                     {"/me", [][2]string{decision}, 403, "", "urn:tenantgate:not_through_gate"},
		"who came past the gate":     {"/me", nil, 403, "", "urn:tenantgate:not_through_gate"},
		"two users":                  {"/me", [][2]string{decision, user, user}, 403, "", "urn:tenantgate:invalid_identity"},
		"a user where none needs be": {"/news", [][2]string{decision, user}, 200, "u1", ""},
		"nobody where none needs be": {"/news", [][2]string{decision}, 200, "", ""},
		"past the gate all the same": {"/news", nil, 403, "", "urn:tenantgate:not_through_gate"},
		"who holds the permission":   {"/approve", member, 200, "u1", ""},
		"who lacks it":               {"/delete", member, 403, "", "urn:tenantgate:permission_denied"},
		"who is in no organization":  {"/approve", [][2]string{decision, user}, 403, "", "urn:tenantgate:permission_denied"},
		"a route without middleware": {"/open", member, 200, "", ""},
	}
	e := newServer(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			request := httptest.NewRequest(http.MethodGet, test.path, nil)
			for _, header := range test.headers {
				request.Header.Add(header[0], header[1])
			}
			recorder := httptest.NewRecorder()
			e.ServeHTTP(recorder, request)
			var body struct {
				User  string
				Known bool
				Type  string
			}
			if err := json.Unmarshal(recorder.Body.Bytes(), &body); err != nil {
				t.Fatalf("%v: %s", err, recorder.Body)
			}
			if recorder.Code != test.status || body.User != test.user || body.Type != test.problem || body.Known != (test.user != "") {
				t.Errorf("got %d %+v", recorder.Code, body)
			}
		})
	}
}
