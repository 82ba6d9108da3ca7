package tenantgate

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

var (
	// ErrNotThroughGate: the request carries nothing that the gate injects.
	ErrNotThroughGate = errors.New("tenantgate: the request did not come through the gate")
	// ErrInvalid: it carries something that the gate did not make, or not for this service, or not now.
	ErrInvalid = errors.New("tenantgate: the identity does not hold")
	// ErrUnavailable: it cannot be told, because keys or permissions cannot be read.
	ErrUnavailable = errors.New("tenantgate: the identity cannot be verified now")
	// ErrPermissionDenied: the user lacks a permission.
	ErrPermissionDenied = errors.New("tenantgate: a permission is missing")
)

// DefaultIssuer is what tenantgate names itself in assertions.
const DefaultIssuer = "tenantgate"

// Headers names the headers that the gate injects, where a policy has others than the usual.
type Headers struct {
	UserID           string // default x-user-id
	OrganizationID   string // default x-org-id
	OrganizationRole string // default x-org-role
	UserRole         string // default x-user-role
}

const (
	assertionHeader  = "X-Identity-Assertion"
	decisionIDHeader = "X-Authz-Decision-Id"
)

// Config says how the identity is proven. Either JWKSURL or TrustHeaders has to be set.
type Config struct {
	// JWKSURL is where tenantgate publishes its keys: its HTTP address and /.well-known/jwks.json.
	JWKSURL string
	// Audience is this service's name: its upstream in the policy, else TENANTGATE_ASSERTION_AUDIENCE.
	Audience string
	// Issuer is who signs; default [DefaultIssuer].
	Issuer string
	// TrustHeaders takes the identity from headers that anybody inside the network can set. Only for
	// services that nothing but the gateway can reach.
	TrustHeaders bool
	// Headers are those of the policy.
	Headers Headers
	// Client reads the keys; default: one with a time limit of 2 s.
	Client *http.Client
	// OnRefused is told why a request was refused; its sender is told less.
	OnRefused func(*http.Request, error)
}

// Gate refuses requests that did not come through tenantgate. It is safe for concurrent use.
type Gate struct {
	headers   Headers
	verifier  *verifier
	onRefused func(*http.Request, error)
}

// New makes a gate. It does not connect: keys are read with the first request.
func New(config Config) (*Gate, error) {
	gate := &Gate{headers: config.Headers.withDefaults(), onRefused: config.OnRefused}
	if gate.onRefused == nil {
		gate.onRefused = func(*http.Request, error) {}
	}
	if config.TrustHeaders {
		if config.JWKSURL != "" {
			return nil, errors.New("tenantgate: set JWKSURL or TrustHeaders, not both")
		}
		return gate, nil
	}
	if config.JWKSURL == "" {
		return nil, errors.New("tenantgate: set JWKSURL, or TrustHeaders where nobody but the gateway can reach this service")
	}
	if config.Audience == "" {
		return nil, errors.New("tenantgate: set Audience to this service's name in the policy")
	}
	keys, err := newKeySet(config.JWKSURL, config.Client)
	if err != nil {
		return nil, err
	}
	issuer := config.Issuer
	if issuer == "" {
		issuer = DefaultIssuer
	}
	gate.verifier = &verifier{keys: keys, issuer: issuer, audience: config.Audience, now: time.Now}
	return gate, nil
}

// Middleware lets requests of proven users pass, with their identity in the context ([FromContext]).
func (g *Gate) Middleware(next http.Handler) http.Handler {
	return g.handler(next, g.Authenticate)
}

// Optional lets requests without a user pass as well: those of routes that the policy calls public. An
// assertion or an identity that is there has to hold all the same.
func (g *Gate) Optional(next http.Handler) http.Handler {
	return g.handler(next, g.AuthenticateOptional)
}

func (g *Gate) handler(next http.Handler, authenticate func(*http.Request) (*http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		authenticated, err := authenticate(r)
		if err != nil {
			WriteProblem(w, err)
			return
		}
		next.ServeHTTP(w, authenticated)
	})
}

// Authenticate proves the identity of a request and returns the request with it, or why not: an error
// that wraps [ErrNotThroughGate], [ErrInvalid] or [ErrUnavailable]. It is what Middleware does, for
// frameworks with middleware of their own.
func (g *Gate) Authenticate(r *http.Request) (*http.Request, error) {
	authenticated, err := g.AuthenticateOptional(r)
	if err != nil {
		return nil, err
	}
	if _, ok := FromContext(authenticated.Context()); !ok {
		g.onRefused(r, ErrNotThroughGate)
		return nil, ErrNotThroughGate
	}
	return authenticated, nil
}

// AuthenticateOptional is what Optional does, for frameworks with middleware of their own.
func (g *Gate) AuthenticateOptional(r *http.Request) (*http.Request, error) {
	identity, err := g.identify(r)
	if err != nil {
		g.onRefused(r, err)
		return nil, err
	}
	authenticated := r.WithContext(NewContext(r.Context(), identity))
	if g.verifier != nil {
		// Code further down that reads the headers reads what was proven, not what was sent.
		authenticated.Header = r.Header.Clone()
		g.headers.set(authenticated.Header, identity)
	}
	return authenticated, nil
}

func (g *Gate) identify(r *http.Request) (Identity, error) {
	if g.verifier == nil {
		return g.headers.identity(r.Header)
	}
	identity := Identity{}
	assertion, err := single(r.Header, assertionHeader)
	if err != nil {
		return Identity{}, err
	}
	if assertion != "" {
		if identity, err = g.verifier.verify(r.Context(), assertion); err != nil {
			return Identity{}, err
		}
	}
	if id, err := single(r.Header, decisionIDHeader); err == nil && isID(id) {
		identity.DecisionID = id
	}
	return identity, nil
}

// single returns the one value of a header, or "" without any.
func single(header http.Header, name string) (string, error) {
	switch values := header.Values(name); len(values) {
	case 0:
		return "", nil
	case 1:
		return values[0], nil
	default:
		return "", fmt.Errorf("%w: %s is there %d times", ErrInvalid, name, len(values))
	}
}
