package tenantgate

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// testTime is the time at which all of these requests are made.
var testTime = time.Unix(1795176000, 0)

func keyOf(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func encode(t testing.TB, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

type object = map[string]any

// with returns a copy of an object with other members; nil leaves one out.
func with(base object, changes object) object {
	all := object{}
	for name, value := range base {
		all[name] = value
	}
	for name, value := range changes {
		all[name] = value
		if value == nil {
			delete(all, name)
		}
	}
	return all
}

var goodHeader = object{"alg": "EdDSA", "typ": assertionType, "kid": "one"}

var goodClaims = object{
	"iss": "tenantgate", "aud": "leave", "sub": "u1", "org": "org-a",
	"org_roles": []string{"staff", "viewer"}, "user_roles": []string{"user"},
	"decision_id": "decision-1", "iat": testTime.Unix(), "exp": testTime.Unix() + 60,
}

func signed(t testing.TB, key ed25519.PrivateKey, header, claims object) string {
	t.Helper()
	text := encode(t, header) + "." + encode(t, claims)
	return text + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, []byte(text)))
}

func good(t testing.TB) string { return signed(t, keyOf("one"), goodHeader, goodClaims) }

// publisher serves a list of keys that a test may change, and counts how often it is asked.
type publisher struct {
	*httptest.Server
	asked atomic.Int64
	mu    sync.Mutex
	list  object
	fails bool
	age   string
}

func (p *publisher) publish(names ...string) {
	keys := []object{}
	for _, name := range names {
		public := keyOf(name).Public().(ed25519.PublicKey)
		x := base64.RawURLEncoding.EncodeToString(public)
		keys = append(keys, object{"kty": "OKP", "crv": "Ed25519", "x": x, "kid": name, "alg": "EdDSA", "use": "sig"})
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = object{"keys": keys}
}

func (p *publisher) setFails(fails bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fails = fails
}

func newPublisher(t testing.TB, names ...string) *publisher {
	p := &publisher{age: "public, max-age=300"}
	p.publish(names...)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		p.asked.Add(1)
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.fails {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		w.Header().Set("Cache-Control", p.age)
		_ = json.NewEncoder(w).Encode(p.list)
	}))
	t.Cleanup(p.Close)
	return p
}

// clock is moved by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// newTestGate verifies assertions by a publisher's keys, at a time that stands still.
func newTestGate(t testing.TB, p *publisher) (*Gate, *clock) {
	t.Helper()
	gate, err := New(Config{JWKSURL: p.URL, Audience: "leave"})
	if err != nil {
		t.Fatal(err)
	}
	c := &clock{now: testTime}
	gate.verifier.now = c.Now
	gate.verifier.keys.now = c.Now
	return gate, c
}

// answer is what came of a request: the status, the problem, and who the handler saw.
type answer struct {
	status   int
	problem  string
	seen     bool
	identity Identity
	header   http.Header
}

func ask(t testing.TB, middleware func(http.Handler) http.Handler, headers ...[2]string) answer {
	t.Helper()
	var got answer
	handler := middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got.seen = true
		got.identity, _ = FromContext(r.Context())
		got.header = r.Header
		w.WriteHeader(http.StatusNoContent)
	}))
	request := httptest.NewRequest(http.MethodGet, "/leave", nil)
	for _, header := range headers {
		request.Header.Add(header[0], header[1])
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	got.status = recorder.Code
	if recorder.Body.Len() > 0 {
		var problem Problem
		if err := json.Unmarshal(recorder.Body.Bytes(), &problem); err != nil {
			t.Fatalf("the body is no problem: %v", err)
		}
		if recorder.Header().Get("Content-Type") != "application/problem+json" || problem.Status != recorder.Code {
			t.Errorf("the answer is no problem document: %v", recorder.Header())
		}
		got.problem = problem.Type
	}
	return got
}

const (
	notThroughGate = "urn:tenantgate:not_through_gate"
	invalid        = "urn:tenantgate:invalid_identity"
	unavailable    = "urn:tenantgate:unavailable"
	denied         = "urn:tenantgate:permission_denied"
)
