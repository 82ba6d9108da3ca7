package main

import (
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	tenantgate "github.com/tenantgate/tenantgate/go"
	"github.com/tenantgate/tenantgate/go/echotenantgate"
)

const maxBodyBytes = 64 << 10

type service struct {
	store *store
	now   func() time.Time
}

// newService answers the routes of the policy. Only /healthz is answered without the gate.
func newService(gate *tenantgate.Gate, leave *store) http.Handler {
	s := &service{store: leave, now: time.Now}
	e := echo.New()
	e.Use(middleware.BodyLimit(maxBodyBytes))
	e.GET("/healthz", func(c *echo.Context) error {
		return c.JSON(http.StatusOK, map[string]string{"status": "ok"})
	})
	api := e.Group("/api/v1", echotenantgate.Middleware(gate))
	api.GET("/me", s.me)
	organization := api.Group("/organizations/:organizationId", sameOrganization)
	organization.GET("/leave", s.list)
	organization.HEAD("/leave", s.list)
	organization.POST("/leave", s.create)
	organization.GET("/leave/search/:text", s.search)
	organization.POST("/leave/:leaveId/approve", s.approve)
	return e
}

// sameOrganization refuses a path that names another organization than the gate does. It cannot
// happen behind the gate, unless a route's tenant is not read from its path: then this is how to find
// out before data of a neighbour is shown.
func sameOrganization(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) error {
		identity, ok := echotenantgate.Identity(c)
		if !ok || identity.OrganizationID == "" || identity.OrganizationID != c.Param("organizationId") {
			tenantgate.WriteProblem(c.Response(), tenantgate.ErrInvalid)
			return nil
		}
		return next(c)
	}
}

func (s *service) me(c *echo.Context) error {
	identity, _ := echotenantgate.Identity(c)
	return c.JSON(http.StatusOK, map[string]any{
		"userId":        identity.UserID,
		"platformRoles": identity.PlatformRoles,
		"decisionId":    identity.DecisionID,
	})
}

func (s *service) list(c *echo.Context) error {
	return c.JSON(http.StatusOK, s.store.find(organizationOf(c), ""))
}

func (s *service) search(c *echo.Context) error {
	return c.JSON(http.StatusOK, s.store.find(organizationOf(c), c.Param("text")))
}

type request struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Reason string `json:"reason"`
}

func (s *service) create(c *echo.Context) error {
	var asked request
	if err := c.Bind(&asked); err != nil {
		return err
	}
	from, to := readDay(asked.From), readDay(asked.To)
	if from.IsZero() || to.Before(from) {
		return echo.NewHTTPError(http.StatusUnprocessableEntity, "from and to are days as 2026-11-20, in this order")
	}
	identity, _ := echotenantgate.Identity(c)
	created := s.store.add(leave{
		OrganizationID: identity.OrganizationID,
		UserID:         identity.UserID,
		From:           asked.From,
		To:             asked.To,
		Reason:         strings.TrimSpace(asked.Reason),
		CreatedAt:      s.now().UTC(),
	})
	return c.JSON(http.StatusCreated, created)
}

func (s *service) approve(c *echo.Context) error {
	identity, _ := echotenantgate.Identity(c)
	approved, found := s.store.approve(identity.OrganizationID, c.Param("leaveId"), identity.UserID)
	if !found {
		return echo.NewHTTPError(http.StatusNotFound, "no such leave")
	}
	return c.JSON(http.StatusOK, approved)
}

func organizationOf(c *echo.Context) string {
	identity, _ := echotenantgate.Identity(c)
	return identity.OrganizationID
}

func readDay(text string) time.Time {
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}
	}
	return day
}
