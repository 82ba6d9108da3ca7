package tenantgate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

func assertionOf(t testing.TB, key string) [2]string {
	return [2]string{assertionHeader, signed(t, keyOf(key), with(goodHeader, object{"kid": key}), goodClaims)}
}

func TestKeysAreReadOnceForManyRequests(t *testing.T) {
	p := newPublisher(t, "one")
	gate, _ := newTestGate(t, p)
	if p.asked.Load() != 0 {
		t.Error("New connects")
	}
	var group sync.WaitGroup
	for range 20 {
		group.Add(1)
		go func() {
			defer group.Done()
			if got := ask(t, gate.Middleware, assertionOf(t, "one")); !got.seen {
				t.Errorf("got %d %s", got.status, got.problem)
			}
		}()
	}
	group.Wait()
	if asked := p.asked.Load(); asked != 1 {
		t.Errorf("the keys were read %d times", asked)
	}
}

func TestAnUnknownKeyIsLookedForAtMostEverySoOften(t *testing.T) {
	p := newPublisher(t, "one")
	gate, clock := newTestGate(t, p)
	ask(t, gate.Middleware, assertionOf(t, "one"))
	for i := range 50 {
		if got := ask(t, gate.Middleware, assertionOf(t, fmt.Sprint("unknown", i))); got.problem != invalid {
			t.Fatalf("got %d %s", got.status, got.problem)
		}
	}
	if asked := p.asked.Load(); asked != 1 {
		t.Errorf("within the time between: read %d times", asked)
	}
	p.publish("one", "two")
	clock.add(betweenFetches)
	if got := ask(t, gate.Middleware, assertionOf(t, "two")); !got.seen {
		t.Errorf("a key that is new: got %d %s", got.status, got.problem)
	}
	if asked := p.asked.Load(); asked != 2 {
		t.Errorf("a key that is new: read %d times", asked)
	}
}

func TestAListIsReadAgainWhenItIsOld(t *testing.T) {
	p := newPublisher(t, "one")
	gate, clock := newTestGate(t, p)
	ask(t, gate.Middleware, assertionOf(t, "one"))
	p.publish("two")
	clock.add(maxFresh + time.Second)
	fresh := with(goodClaims, object{"iat": clock.Now().Unix(), "exp": clock.Now().Unix() + 60})
	one := [2]string{assertionHeader, signed(t, keyOf("one"), goodHeader, fresh)}
	// The key at hand serves until the new list is there, and for a while after it is gone from it.
	if got := ask(t, gate.Middleware, one); !got.seen {
		t.Errorf("got %d %s", got.status, got.problem)
	}
	waitFor(t, func() bool { return p.asked.Load() == 2 && !gate.verifier.keys.busy() })
	if got := ask(t, gate.Middleware, one); !got.seen {
		t.Errorf("a key that has just gone: got %d %s", got.status, got.problem)
	}
	clock.add(retireAfter + time.Second)
	if _, err := gate.verifier.keys.key(context.Background(), "one"); !errors.Is(err, ErrInvalid) {
		t.Errorf("a key that has long gone: %v", err)
	}
	if key, err := gate.verifier.keys.key(context.Background(), "two"); err != nil || key == nil {
		t.Errorf("the new key: %v", err)
	}
}

func (s *keySet) busy() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fetching != nil
}

func waitFor(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not come to hold")
		}
	}
}

func TestWithoutKeysNobodyPasses(t *testing.T) {
	p := newPublisher(t, "one")
	p.setFails(true)
	gate, clock := newTestGate(t, p)
	for range 3 {
		if got := ask(t, gate.Middleware, assertionOf(t, "one")); got.status != http.StatusServiceUnavailable || got.problem != unavailable || got.seen {
			t.Errorf("got %d %s", got.status, got.problem)
		}
	}
	if asked := p.asked.Load(); asked != 1 {
		t.Errorf("a publisher that fails is asked %d times", asked)
	}
	p.setFails(false)
	clock.add(betweenFetches)
	if got := ask(t, gate.Middleware, assertionOf(t, "one")); !got.seen {
		t.Errorf("it is back: got %d %s", got.status, got.problem)
	}
}

func TestKeysOutliveTheirPublisherForAWhile(t *testing.T) {
	p := newPublisher(t, "one")
	gate, clock := newTestGate(t, p)
	ask(t, gate.Middleware, assertionOf(t, "one"))
	p.setFails(true)
	clock.add(maxStale)
	if _, err := gate.verifier.keys.key(context.Background(), "one"); err != nil {
		t.Errorf("within an hour: %v", err)
	}
	clock.add(time.Minute)
	if _, err := gate.verifier.keys.key(context.Background(), "one"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("after an hour: %v", err)
	}
}

func TestAKeyThatMayBeNewIsNotRefusedWhileTheListCannotBeRead(t *testing.T) {
	p := newPublisher(t, "one")
	gate, clock := newTestGate(t, p)
	ask(t, gate.Middleware, assertionOf(t, "one"))
	p.publish("one", "two")
	p.setFails(true)
	clock.add(betweenFetches)
	for i := range 3 { // the first of them looks, the others come too soon for another look
		if got := ask(t, gate.Middleware, assertionOf(t, "two")); got.problem != unavailable {
			t.Errorf("request %d: got %d %s", i, got.status, got.problem)
		}
	}
	p.setFails(false)
	clock.add(betweenFetches)
	if got := ask(t, gate.Middleware, assertionOf(t, "two")); !got.seen {
		t.Errorf("it is back: got %d %s", got.status, got.problem)
	}
	if got := ask(t, gate.Middleware, assertionOf(t, "three")); got.problem != invalid {
		t.Errorf("a key that is not in the list: got %d %s", got.status, got.problem)
	}
}

func TestARequestThatIsGoneDoesNotWait(t *testing.T) {
	hold := make(chan struct{})
	client := &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		<-hold
		return nil, errors.New("closed")
	})}
	defer close(hold)
	keys, err := newKeySet("http://keys.example.com", client)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := keys.key(ctx, "one"); !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestParseKeys(t *testing.T) {
	x := strings.Repeat("A", 43)
	jwk := func(members string) string { return `{"keys":[{` + members + `}]}` }
	usual := `"kty":"OKP","crv":"Ed25519","kid":"k","x":"` + x + `"`
	tests := map[string]struct {
		text string
		keys int
	}{
		"a key":                       {jwk(usual), 1},
		"a key for signatures":        {jwk(usual + `,"use":"sig","alg":"EdDSA"`), 1},
		"a key for encryption":        {jwk(usual + `,"use":"enc"`), 0},
		"a key of another algorithm":  {jwk(usual + `,"alg":"ES256"`), 0},
		"another curve":               {jwk(strings.Replace(usual, "Ed25519", "X25519", 1)), 0},
		"a key without an id":         {jwk(strings.Replace(usual, `"kid":"k"`, `"kid":""`, 1)), 0},
		"a key that is too short":     {jwk(strings.Replace(usual, x, "AAAA", 1)), 0},
		"one of use beside others":    {`{"keys":[{"kty":"RSA","n":"x","e":"AQAB","kid":"r"},{` + usual + `}]}`, 1},
		"none":                        {`{"keys":[]}`, 0},
		"no list":                     {`{"keys":{}}`, 0},
		"no JSON":                     {`<html>`, 0},
		"more than is ever published": {`{"keys":[{` + usual + `}],"x":"` + strings.Repeat("a", maxListBytes) + `"}`, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			keys, err := parseKeys([]byte(test.text))
			if len(keys) != test.keys || (err == nil) != (test.keys > 0) {
				t.Errorf("got %d keys, %v", len(keys), err)
			}
		})
	}
}

func TestFreshFor(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"":                       maxFresh,
		"public, max-age=60":     time.Minute,
		"MAX-AGE=0":              0,
		"max-age=999999999":      maxFresh,
		"s-maxage=1":             maxFresh,
		"max-age=99999999999999": maxFresh,
	} {
		if got := freshFor(text); got != want {
			t.Errorf("%q: got %v", text, got)
		}
	}
}

func FuzzParseKeys(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]}`))
	f.Add([]byte(`{"keys":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := parseKeys(text)
		if (err == nil) != (len(keys) > 0) {
			t.Errorf("got %d keys, %v", len(keys), err)
		}
		for id, key := range keys {
			if id == "" || len(key) != 32 {
				t.Errorf("the key %q has %d bytes", id, len(key))
			}
		}
	})
}
