package main

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"github.com/golang-jwt/jwt/v5"
	"github.com/tenantgate/tenantgate/bench/go/headers"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
)

type claims struct {
	OrganizationID string `json:"organizationId"`
	OrgRole        string `json:"orgRole"`
	jwt.RegisteredClaims
}

type server struct {
	authv3.UnimplementedAuthorizationServer
	parser    *jwt.Parser
	secret    []byte
	publicKey ed25519.PublicKey
	routes    tree
	roles     map[string]map[string]bool
	log       *slog.Logger // nil: no log
}

func (s *server) Check(_ context.Context, r *authv3.CheckRequest) (*authv3.CheckResponse, error) {
	headers.FromMap(r)
	http := r.GetAttributes().GetRequest().GetHttp()
	c, why, code := s.decide(http)
	if s.log != nil {
		s.log.Info("decision", "id", http.GetId(), "method", http.GetMethod(), "path", http.GetPath(),
			"status", int(code), "reason", why, "sub", c.Subject, "org", c.OrganizationID)
	}
	if code != typev3.StatusCode_OK {
		return &authv3.CheckResponse{
			Status: &status.Status{Code: int32(codes.PermissionDenied)},
			HttpResponse: &authv3.CheckResponse_DeniedResponse{
				DeniedResponse: &authv3.DeniedHttpResponse{Status: &typev3.HttpStatus{Code: code}},
			},
		}, nil
	}
	header := func(key, value string) *corev3.HeaderValueOption {
		return &corev3.HeaderValueOption{Header: &corev3.HeaderValue{Key: key, Value: value}}
	}
	return &authv3.CheckResponse{
		Status: &status.Status{},
		HttpResponse: &authv3.CheckResponse_OkResponse{
			OkResponse: &authv3.OkHttpResponse{Headers: []*corev3.HeaderValueOption{
				header("x-user-id", c.Subject), header("x-org-role", c.OrgRole),
			}},
		},
	}, nil
}

func (s *server) decide(h *authv3.AttributeContext_HttpRequest) (c claims, why string, code typev3.StatusCode) {
	token, ok := strings.CutPrefix(h.GetHeaders()["authorization"], "Bearer ")
	if !ok {
		return c, "no token", typev3.StatusCode_Unauthorized
	}
	if _, err := s.parser.ParseWithClaims(token, &c, s.key); err != nil {
		return claims{}, err.Error(), typev3.StatusCode_Unauthorized
	}
	permission, organization, ok := s.routes.match(h.GetMethod(), h.GetPath())
	switch {
	case !ok:
		return c, "no route", typev3.StatusCode_Forbidden
	case organization != c.OrganizationID:
		return c, "wrong tenant", typev3.StatusCode_Forbidden
	case !s.roles[c.OrgRole][permission]:
		return c, "missing " + permission, typev3.StatusCode_Forbidden
	}
	return c, "", typev3.StatusCode_OK
}

func (s *server) key(t *jwt.Token) (any, error) {
	switch t.Method.(type) {
	case *jwt.SigningMethodHMAC:
		return s.secret, nil
	case *jwt.SigningMethodEd25519:
		return s.publicKey, nil
	}
	return nil, fmt.Errorf("unexpected algorithm %v", t.Header["alg"])
}
