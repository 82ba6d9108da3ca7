package tenantgate

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"testing"
)

func TestRequirePermission(t *testing.T) {
	member := Identity{UserID: "u1", OrganizationID: "org-a"}
	entries := map[string]string{
		"perm:u1:org-a": `["leave:approve","leave:read","~tg1.eyJ9.c2ln"]`,
		"perm:u2:org-a": `["~tg1.eyJ9.c2ln"]`,
		"perm:u3:org-a": `{"leave:read":true}`,
		"perm:u4:org-a": `null`,
		"perm:u5:org-a": `["leave:read",1]`,
	}
	cached := CachedPermissions(func(_ context.Context, key string) (string, error) {
		if key == "perm:u9:org-a" {
			return "", errors.New("connection refused")
		}
		return entries[key], nil
	})
	tests := map[string]struct {
		identity Identity
		needed   []string
		problem  string
	}{
		"one that is held":              {member, []string{"leave:read"}, ""},
		"all that are held":             {member, []string{"leave:read", "leave:approve"}, ""},
		"one of two":                    {member, []string{"leave:read", "leave:delete"}, denied},
		"the seal":                      {member, []string{"~tg1.eyJ9.c2ln"}, denied},
		"none at all":                   {member, nil, denied},
		"a member without permissions":  {Identity{UserID: "u2", OrganizationID: "org-a"}, []string{"leave:read"}, denied},
		"nobody":                        {Identity{}, []string{"leave:read"}, notThroughGate},
		"a user without organization":   {Identity{UserID: "u1"}, []string{"leave:read"}, denied},
		"another organization":          {Identity{UserID: "u1", OrganizationID: "org-b"}, []string{"leave:read"}, unavailable},
		"an entry that is no list":      {Identity{UserID: "u3", OrganizationID: "org-a"}, []string{"leave:read"}, unavailable},
		"an entry that is null":         {Identity{UserID: "u4", OrganizationID: "org-a"}, []string{"leave:read"}, unavailable},
		"an entry with other things":    {Identity{UserID: "u5", OrganizationID: "org-a"}, []string{"leave:read"}, unavailable},
		"an id that could name another": {Identity{UserID: "u1:org-a", OrganizationID: "x"}, []string{"leave:read"}, unavailable},
		"Redis is down":                 {Identity{UserID: "u9", OrganizationID: "org-a"}, []string{"leave:read"}, unavailable},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := ask(t, func(next http.Handler) http.Handler {
				protected := RequirePermission(cached, test.needed...)(next)
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					protected.ServeHTTP(w, r.WithContext(NewContext(r.Context(), test.identity)))
				})
			})
			if got.problem != test.problem || got.seen == (test.problem != "") {
				t.Errorf("got %d %s", got.status, got.problem)
			}
		})
	}
}

func TestAKeyNamesOnePair(t *testing.T) {
	for _, pair := range [][2]string{{"", "o"}, {"u", ""}, {"u:o", "p"}, {"u", "o\n"}, {"u{1}", "o"}} {
		if key, err := permissionKey(pair[0], pair[1]); err == nil {
			t.Errorf("%q has the key %s", pair, key)
		}
	}
}

func FuzzParsePermissions(f *testing.F) {
	f.Add(`["leave:read","~tg1.e30.AA"]`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, text string) {
		permissions, err := parsePermissions(text)
		if err != nil && permissions != nil {
			t.Errorf("got %v, %v", permissions, err)
		}
		for _, permission := range permissions {
			if len(permission) >= len(sealPrefix) && permission[:len(sealPrefix)] == sealPrefix {
				t.Errorf("the seal is a permission: %q", permission)
			}
		}
	})
}

func TestContextOfATest(t *testing.T) {
	want := Identity{UserID: "u1", OrganizationID: "org-a"}
	if got, ok := FromContext(NewContext(context.Background(), want)); !ok || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, ok)
	}
	if _, ok := FromContext(context.Background()); ok {
		t.Error("somebody is in an empty context")
	}
}
