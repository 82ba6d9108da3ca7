package tenantgate

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"sync"
	"time"
)

const (
	fetchTimeout = 2 * time.Second
	maxListBytes = 1 << 20
	// maxFresh is how long a list of keys is used without looking for a newer one, at most.
	maxFresh = 5 * time.Minute
	// retireAfter is how long a key is used that the newest list no longer has: instances that are
	// restarted one after the other publish different lists for a while.
	retireAfter = 5 * time.Minute
	// maxStale is how long keys are used although no newer list can be read.
	maxStale = time.Hour
	// betweenFetches bounds what unknown key ids can cause.
	betweenFetches = 2 * time.Second
)

// keySet holds the keys that tenantgate publishes.
type keySet struct {
	url    string
	client *http.Client
	now    func() time.Time

	mu         sync.Mutex
	keys       map[string]publishedKey
	fetched    time.Time // when the newest list was read
	freshUntil time.Time
	attempted  time.Time
	failed     bool // the last look at the list
	fetching   *fetch
}

type publishedKey struct {
	key ed25519.PublicKey
	// until is when it is forgotten, if the newest list does not have it; else zero.
	until time.Time
}

func (k publishedKey) retired(now time.Time) bool {
	return !k.until.IsZero() && now.After(k.until)
}

// fetch is a look at the list that several requests may wait for.
type fetch struct {
	done chan struct{}
	err  error
}

func newKeySet(address string, client *http.Client) (*keySet, error) {
	parsed, err := url.Parse(address)
	if err != nil || (parsed.Scheme != "http" && parsed.Scheme != "https") || parsed.Host == "" {
		return nil, errors.New("tenantgate: JWKSURL is no http or https URL")
	}
	if client == nil {
		client = &http.Client{Timeout: fetchTimeout}
	}
	return &keySet{url: address, client: client, now: time.Now, keys: map[string]publishedKey{}}, nil
}

// key returns the key of an id. One that is not known makes it look at the list once more, at most
// every betweenFetches.
func (s *keySet) key(ctx context.Context, id string) (ed25519.PublicKey, error) {
	if key, pending := s.known(id); key != nil {
		return key, nil
	} else if pending != nil {
		select {
		case <-pending.done:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
		}
		if key, _ := s.known(id); key != nil {
			return key, nil
		}
		if pending.err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnavailable, pending.err)
		}
	}
	if s.outdated() {
		return nil, fmt.Errorf("%w: the keys could not be read just now", ErrUnavailable)
	}
	return nil, fmt.Errorf("%w: no such key is published", ErrInvalid)
}

// known returns a key that may be used now, or the fetch that may bring it.
func (s *keySet) known(id string) (ed25519.PublicKey, *fetch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if now.After(s.freshUntil) {
		s.startFetch(now)
	}
	found, ok := s.keys[id]
	if ok && !found.retired(now) && now.Sub(s.fetched) <= maxStale {
		return found.key, nil
	}
	s.startFetch(now)
	return nil, s.fetching
}

// outdated: a key that is not known may be one that is published by now.
func (s *keySet) outdated() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed || s.fetched.IsZero() || s.now().Sub(s.fetched) > maxStale
}

// startFetch begins a fetch, unless one is under way or was lately. It runs by itself: the request
// that needed it first may be gone before it ends.
func (s *keySet) startFetch(now time.Time) {
	if s.fetching != nil || (!s.attempted.IsZero() && now.Sub(s.attempted) < betweenFetches) {
		return
	}
	s.attempted = now
	current := &fetch{done: make(chan struct{})}
	s.fetching = current
	go func() {
		keys, fresh, err := s.read()
		s.mu.Lock()
		defer s.mu.Unlock()
		if err == nil {
			s.adopt(keys, fresh)
		}
		current.err = err
		s.failed = err != nil
		s.fetching = nil
		close(current.done)
	}()
}

func (s *keySet) adopt(keys map[string]ed25519.PublicKey, fresh time.Duration) {
	now := s.now()
	for id, known := range s.keys {
		if known.until.IsZero() {
			known.until = now.Add(retireAfter)
			s.keys[id] = known
		} else if known.retired(now) {
			delete(s.keys, id)
		}
	}
	for id, key := range keys {
		s.keys[id] = publishedKey{key: key}
	}
	s.fetched = now
	s.freshUntil = now.Add(fresh)
}

func (s *keySet) read() (map[string]ed25519.PublicKey, time.Duration, error) {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, 0, err
	}
	response, err := s.client.Do(request)
	if err != nil {
		return nil, 0, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, 0, fmt.Errorf("the keys' address answers %d", response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxListBytes+1))
	if err != nil {
		return nil, 0, err
	}
	keys, err := parseKeys(body)
	return keys, freshFor(response.Header.Get("Cache-Control")), err
}

// parseKeys reads a JWK set (RFC 7517) and keeps what verifies assertions.
func parseKeys(body []byte) (map[string]ed25519.PublicKey, error) {
	if len(body) > maxListBytes {
		return nil, errors.New("the list of keys is too long")
	}
	var list struct {
		Keys []struct {
			Kty, Crv, X, Kid, Alg, Use string
		}
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, fmt.Errorf("the list of keys cannot be read: %w", err)
	}
	keys := map[string]ed25519.PublicKey{}
	for _, jwk := range list.Keys {
		key, err := decodeBase64(jwk.X)
		usable := jwk.Kty == "OKP" && jwk.Crv == "Ed25519" && err == nil && len(key) == ed25519.PublicKeySize
		forThis := (jwk.Alg == "" || jwk.Alg == "EdDSA") && (jwk.Use == "" || jwk.Use == "sig")
		if usable && forThis && jwk.Kid != "" {
			keys[jwk.Kid] = key
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("the list holds no key that verifies assertions")
	}
	return keys, nil
}

var maxAge = regexp.MustCompile(`(?i)(?:^|[,\s])max-age=(\d{1,9})`)

// freshFor is how long a list may be kept (RFC 9111 section 5.2.2.1), within bounds.
func freshFor(cacheControl string) time.Duration {
	match := maxAge.FindStringSubmatch(cacheControl)
	if match == nil {
		return maxFresh
	}
	seconds, _ := strconv.Atoi(match[1])
	return min(maxFresh, time.Duration(seconds)*time.Second)
}
