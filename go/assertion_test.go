package tenantgate

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestAssertionGivesTheIdentity(t *testing.T) {
	gate, _ := newTestGate(t, newPublisher(t, "one"))
	got := ask(t, gate.Middleware, [2]string{assertionHeader, good(t)}, [2]string{decisionIDHeader, "decision-2"})
	want := Identity{
		UserID: "u1", OrganizationID: "org-a", OrganizationRoles: []string{"staff", "viewer"},
		PlatformRoles: []string{"user"}, DecisionID: "decision-2",
		Assertion: &Assertion{KeyID: "one", DecisionID: "decision-1", IssuedAt: testTime, ExpiresAt: testTime.Add(time.Minute)},
	}
	if got.status != http.StatusNoContent || !reflect.DeepEqual(got.identity, want) {
		t.Errorf("got %+v", got)
	}
	if !got.identity.HasOrganizationRole("staff") || got.identity.HasOrganizationRole("owner") || !got.identity.HasPlatformRole("user") {
		t.Error("the roles are not those of the assertion")
	}
}

// What tenantgate itself signed: test/adapters/jose/assertion-golden.test.ts keeps the file true.
func TestAssertionOfTenantgateHolds(t *testing.T) {
	file, err := os.ReadFile("testdata/assertion.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		At        int64
		Assertion string
		JWKS      json.RawMessage
	}
	if err := json.Unmarshal(file, &golden); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(golden.JWKS) }))
	defer server.Close()
	gate, clock := newTestGate(t, &publisher{Server: server})
	clock.add(time.Unix(golden.At, 0).Sub(testTime))
	got := ask(t, gate.Middleware, [2]string{assertionHeader, golden.Assertion})
	if got.identity.UserID != "u1" || got.identity.OrganizationRoles[1] != "chef de café" {
		t.Errorf("got %+v", got)
	}
}

func TestAssertionIsRefused(t *testing.T) {
	one := keyOf("one")
	claim := func(changes object) func(testing.TB) string {
		return func(t testing.TB) string { return signed(t, one, goodHeader, with(goodClaims, changes)) }
	}
	header := func(changes object) func(testing.TB) string {
		return func(t testing.TB) string { return signed(t, one, with(goodHeader, changes), goodClaims) }
	}
	now := testTime.Unix()
	tests := map[string]func(testing.TB) string{
		"of another key under a known id": func(t testing.TB) string { return signed(t, keyOf("evil"), goodHeader, goodClaims) },
		"of an unknown key": func(t testing.TB) string {
			return signed(t, keyOf("evil"), with(goodHeader, object{"kid": "evil"}), goodClaims)
		},
		"with other claims than were signed": func(t testing.TB) string {
			parts := strings.Split(good(t), ".")
			return parts[0] + "." + encode(t, with(goodClaims, object{"sub": "root"})) + "." + parts[2]
		},
		"without a signature": func(t testing.TB) string {
			return encode(t, with(goodHeader, object{"alg": "none"})) + "." + encode(t, goodClaims) + "."
		},
		"with an empty signature": func(t testing.TB) string { return encode(t, goodHeader) + "." + encode(t, goodClaims) + "." },
		"by HMAC with the public key": func(t testing.TB) string {
			text := encode(t, with(goodHeader, object{"alg": "HS256"})) + "." + encode(t, goodClaims)
			mac := hmac.New(sha256.New, one.Public().(ed25519.PublicKey))
			mac.Write([]byte(text))
			return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
		},
		"with padding":                      func(t testing.TB) string { return good(t) + "==" },
		"with a line break":                 func(t testing.TB) string { return good(t) + "\n" },
		"with spare bits in its last digit": func(t testing.TB) string { return respelled(good(t)) },
		"of four parts":                     func(t testing.TB) string { return good(t) + ".x" },
		"too long":                          func(testing.TB) string { return strings.Repeat("a", maxAssertionLength+1) },
		"that is text":                      func(testing.TB) string { return "u1" },
		"with another algorithm":            header(object{"alg": "ES256"}),
		"with a header in other letters":    header(object{"alg": nil, "ALG": "EdDSA"}),
		"of type JWT: an access token":      header(object{"typ": "JWT"}),
		"without a type":                    header(object{"typ": nil}),
		"with crit":                         header(object{"crit": []string{"b64"}}),
		"that names no key":                 header(object{"kid": nil}),
		"whose key is a number":             header(object{"kid": 1}),
		"of another issuer":                 claim(object{"iss": "https://auth.example.com"}),
		"for another audience":              claim(object{"aud": "billing"}),
		"for several audiences":             claim(object{"aud": []string{"leave", "billing"}}),
		"for none":                          claim(object{"aud": nil}),
		"expired, beyond the clocks' skew":  claim(object{"iat": now - 65, "exp": now - 5}),
		"of the future":                     claim(object{"iat": now + 6, "exp": now + 66}),
		"that never expires":                claim(object{"exp": nil}),
		"that holds for an hour":            claim(object{"exp": now + 3600}),
		"of no time":                        claim(object{"iat": nil}),
		"of nobody":                         claim(object{"sub": nil}),
		"of a user that is no id":           claim(object{"sub": "u1,u2"}),
		"of an organization that is no id":  claim(object{"org": "a b"}),
		"with roles that are no list":       claim(object{"org_roles": "owner"}),
	}
	gate, _ := newTestGate(t, newPublisher(t, "one"))
	for name, make := range tests {
		t.Run(name, func(t *testing.T) {
			got := ask(t, gate.Middleware, [2]string{assertionHeader, make(t)})
			if got.status != http.StatusForbidden || got.problem != invalid || got.seen {
				t.Errorf("got %d %s", got.status, got.problem)
			}
			if got := ask(t, gate.Optional, [2]string{assertionHeader, make(t)}); got.problem != invalid || got.seen {
				t.Errorf("optional: got %d %s", got.status, got.problem)
			}
		})
	}
}

// respelled changes the last digit of a signature in bits that decode to nothing.
func respelled(assertion string) string {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(digits, assertion[len(assertion)-1])
	return assertion[:len(assertion)-1] + string(digits[last+1])
}

func TestAssertionHoldsWithinTheClocksSkew(t *testing.T) {
	now := testTime.Unix()
	for name, times := range map[string]object{
		"just expired":   {"iat": now - 64, "exp": now - 4},
		"a little early": {"iat": now + 5, "exp": now + 65},
	} {
		t.Run(name, func(t *testing.T) {
			gate, _ := newTestGate(t, newPublisher(t, "one"))
			got := ask(t, gate.Middleware, [2]string{assertionHeader, signed(t, keyOf("one"), goodHeader, with(goodClaims, times))})
			if !got.seen {
				t.Errorf("got %d %s", got.status, got.problem)
			}
		})
	}
}

func TestOnlyAssertionsCountWhereTheyAreAskedFor(t *testing.T) {
	gate, _ := newTestGate(t, newPublisher(t, "one"))
	forged := [][2]string{
		{"x-user-id", "root"}, {"x-org-id", "org-b"}, {"x-org-role", "owner"},
		{"x-user-role", "superadmin"}, {decisionIDHeader, "decision-9"},
	}
	if got := ask(t, gate.Middleware, forged...); got.problem != notThroughGate || got.seen {
		t.Errorf("headers alone: got %d %s", got.status, got.problem)
	}
	got := ask(t, gate.Middleware, append(forged, [2]string{assertionHeader, good(t)})...)
	if got.identity.UserID != "u1" || got.identity.OrganizationID != "org-a" {
		t.Errorf("headers beside: got %+v", got.identity)
	}
	for name, value := range map[string]string{"x-user-id": "u1", "x-org-id": "org-a", "x-org-role": "staff,viewer", "x-user-role": "user"} {
		if got.header.Get(name) != value {
			t.Errorf("a handler reads %s: %s", name, got.header.Get(name))
		}
	}
	if got := ask(t, gate.Optional, forged...); !got.seen || got.identity.UserID != "" || got.header.Get("x-user-id") != "" || got.header.Get("x-user-role") != "" {
		t.Errorf("optional: a handler sees %+v, %v", got.identity, got.header)
	}
	twice := ask(t, gate.Middleware, [2]string{assertionHeader, good(t)}, [2]string{assertionHeader, good(t)})
	if twice.problem != invalid {
		t.Errorf("two assertions: got %s", twice.problem)
	}
}

func TestTheRequestItselfIsNotChanged(t *testing.T) {
	gate, _ := newTestGate(t, newPublisher(t, "one"))
	request := httptest.NewRequest(http.MethodGet, "/", nil)
	request.Header.Set(assertionHeader, good(t))
	request.Header.Set("X-User-Id", "as sent")
	if _, err := gate.Authenticate(request); err != nil {
		t.Fatal(err)
	}
	if request.Header.Get("X-User-Id") != "as sent" {
		t.Error("the header of the request was written to")
	}
}

func TestWhyIsToldToTheServiceAlone(t *testing.T) {
	var told []error
	p := newPublisher(t, "one")
	gate, err := New(Config{JWKSURL: p.URL, Audience: "leave", OnRefused: func(_ *http.Request, err error) { told = append(told, err) }})
	if err != nil {
		t.Fatal(err)
	}
	ask(t, gate.Middleware)
	ask(t, gate.Middleware, [2]string{assertionHeader, good(t)}) // long expired by the real clock
	if len(told) != 2 || !errors.Is(told[0], ErrNotThroughGate) || !errors.Is(told[1], ErrInvalid) {
		t.Errorf("told %v", told)
	}
}

func FuzzAssertion(f *testing.F) {
	f.Add(good(f))
	f.Add(encode(f, goodHeader) + "." + encode(f, goodClaims) + ".")
	f.Add("..")
	f.Add("e30.e30.e30")
	gate, _ := newTestGate(f, newPublisher(f, "one"))
	only := good(f)
	f.Fuzz(func(t *testing.T, assertion string) {
		identity, err := gate.verifier.verify(context.Background(), assertion)
		if err == nil && assertion != only {
			t.Errorf("an assertion that was never signed gives %+v", identity)
		}
		if err != nil && (!errors.Is(err, ErrInvalid) || identity.UserID != "") {
			t.Errorf("got %+v, %v", identity, err)
		}
	})
}
