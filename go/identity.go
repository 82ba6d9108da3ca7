package tenantgate

import (
	"context"
	"slices"
	"time"
)

// Identity is who asks, as the gate proved it for this request.
type Identity struct {
	// UserID is the subject of the user's token; empty only behind [Gate.Optional].
	UserID string
	// OrganizationID is the tenant of the request; empty where the route has none.
	OrganizationID string
	// OrganizationRoles are the user's roles in OrganizationID. Without assertions, characters other
	// than visible ASCII and space are percent-encoded.
	OrganizationRoles []string
	// PlatformRoles are the user's roles in all organizations.
	PlatformRoles []string
	// DecisionID names the gate's decision in its log. It is not signed: use it for logs alone.
	DecisionID string
	// Assertion says how the identity was proven; nil where headers were trusted.
	Assertion *Assertion
}

// Assertion is what is known of the signed statement that an [Identity] was read from.
type Assertion struct {
	KeyID string
	// DecisionID is that of the first request that the assertion was sent with; it is sent with others
	// of the same user, organization and roles as well.
	DecisionID string
	IssuedAt   time.Time
	ExpiresAt  time.Time
}

// HasOrganizationRole reports whether the user holds a role in the organization of the request.
func (i Identity) HasOrganizationRole(role string) bool {
	return slices.Contains(i.OrganizationRoles, role)
}

// HasPlatformRole reports whether the user holds a role in all organizations.
func (i Identity) HasPlatformRole(role string) bool {
	return slices.Contains(i.PlatformRoles, role)
}

type contextKey struct{}

// NewContext returns a context that carries an identity; middleware does this, and so may tests.
func NewContext(ctx context.Context, identity Identity) context.Context {
	return context.WithValue(ctx, contextKey{}, identity)
}

// FromContext returns the identity of a request that came through the gate; false where none was
// proven: no middleware of this package ran, or nobody is logged in behind [Gate.Optional].
func FromContext(ctx context.Context) (Identity, bool) {
	identity, ok := ctx.Value(contextKey{}).(Identity)
	return identity, ok && identity.UserID != ""
}
