package tenantgate

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// Permissions tells what a user may do in an organization.
type Permissions interface {
	// Permissions returns every permission, wildcards resolved; an error where they cannot be told.
	Permissions(ctx context.Context, userID, organizationID string) ([]string, error)
}

// PermissionsFunc is a function that tells permissions.
type PermissionsFunc func(ctx context.Context, userID, organizationID string) ([]string, error)

// Permissions calls the function.
func (f PermissionsFunc) Permissions(ctx context.Context, userID, organizationID string) ([]string, error) {
	return f(ctx, userID, organizationID)
}

// CachedPermissions reads the entries that tenantgate keeps in Redis (`perm:USER:ORGANIZATION`). `get`
// returns the text of a key, "" where there is none; with go-redis:
//
//	permissions := tenantgate.CachedPermissions(func(ctx context.Context, key string) (string, error) {
//		value, err := client.Get(ctx, key).Result()
//		if errors.Is(err, redis.Nil) {
//			return "", nil
//		}
//		return value, err
//	})
//
// None of tenantgate's rules on freshness hold here: an entry may be up to TENANTGATE_CACHE_TTL old, a
// change may have been announced since, and whoever can write to Redis can write permissions. There is
// no entry while Redis is away from tenantgate, for a while after a change, or for ids beyond
// A-Z a-z 0-9 . _ -; that is an error here, never a grant. What a route needs belongs into the policy.
func CachedPermissions(get func(ctx context.Context, key string) (string, error)) Permissions {
	return PermissionsFunc(func(ctx context.Context, userID, organizationID string) ([]string, error) {
		key, err := permissionKey(userID, organizationID)
		if err != nil {
			return nil, err
		}
		text, err := get(ctx, key)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		return parsePermissions(text)
	})
}

// keptID: what tenantgate keeps in Redis. Ids with a colon could name another pair's key.
var keptID = regexp.MustCompile(`\A[A-Za-z0-9._-]{1,255}\z`)

func permissionKey(userID, organizationID string) (string, error) {
	if !keptID.MatchString(userID) || !keptID.MatchString(organizationID) {
		return "", fmt.Errorf("%w: the cache keeps no entries of such ids", ErrUnavailable)
	}
	return "perm:" + userID + ":" + organizationID, nil
}

// sealPrefix begins the last element of an entry, which is tenantgate's own and no permission.
const sealPrefix = "~tg1."

func parsePermissions(text string) ([]string, error) {
	if text == "" {
		return nil, fmt.Errorf("%w: the cache has no entry", ErrUnavailable)
	}
	var permissions []string
	if err := json.Unmarshal([]byte(text), &permissions); err != nil || permissions == nil {
		return nil, fmt.Errorf("%w: the entry is no list of permissions", ErrUnavailable)
	}
	return slices.DeleteFunc(permissions, func(permission string) bool {
		return strings.HasPrefix(permission, sealPrefix)
	}), nil
}

// CheckPermissions returns nil if the user of a context holds all permissions in the organization of
// the request; else an error that wraps [ErrNotThroughGate], [ErrPermissionDenied] or
// [ErrUnavailable].
func CheckPermissions(ctx context.Context, source Permissions, needed ...string) error {
	identity, ok := FromContext(ctx)
	if !ok {
		return ErrNotThroughGate
	}
	if len(needed) == 0 || identity.OrganizationID == "" {
		return ErrPermissionDenied
	}
	held, err := source.Permissions(ctx, identity.UserID, identity.OrganizationID)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	for _, permission := range needed {
		if !slices.Contains(held, permission) {
			return fmt.Errorf("%w: %s", ErrPermissionDenied, permission)
		}
	}
	return nil
}

// RequirePermission lets requests pass whose user holds all permissions. It goes inside
// [Gate.Middleware], and refuses everything without it.
func RequirePermission(source Permissions, needed ...string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := CheckPermissions(r.Context(), source, needed...); err != nil {
				WriteProblem(w, err)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}
