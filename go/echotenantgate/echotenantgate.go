// Package echotenantgate is package tenantgate for Echo. It is a module of its own, so that services
// on net/http do not depend on Echo.
package echotenantgate

import (
	"net/http"

	"github.com/labstack/echo/v5"

	tenantgate "github.com/tenantgate/tenantgate/go"
)

// Middleware lets requests of users pass that the gate has let pass ([tenantgate.Gate.Middleware]).
func Middleware(gate *tenantgate.Gate) echo.MiddlewareFunc {
	return middleware(gate.Authenticate)
}

// Optional lets requests without a user pass as well ([tenantgate.Gate.Optional]).
func Optional(gate *tenantgate.Gate) echo.MiddlewareFunc {
	return middleware(gate.AuthenticateOptional)
}

func middleware(authenticate func(*http.Request) (*http.Request, error)) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			request, err := authenticate(c.Request())
			if err != nil {
				tenantgate.WriteProblem(c.Response(), err)
				return nil
			}
			c.SetRequest(request)
			return next(c)
		}
	}
}

// Identity returns who asks; false where nobody is proven.
func Identity(c *echo.Context) (tenantgate.Identity, bool) {
	return tenantgate.FromContext(c.Request().Context())
}

// RequirePermission lets requests pass whose user holds all permissions
// ([tenantgate.RequirePermission]). It goes after [Middleware].
func RequirePermission(source tenantgate.Permissions, needed ...string) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			err := tenantgate.CheckPermissions(c.Request().Context(), source, needed...)
			if err != nil {
				tenantgate.WriteProblem(c.Response(), err)
				return nil
			}
			return next(c)
		}
	}
}
