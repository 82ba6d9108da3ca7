// handgo is what a team would write in a day for the workload: grpc-go, go-control-plane, golang-jwt
// and a tree of path segments. It trusts the token's claims: it knows nothing of bans, of roles that
// were taken away, or of what PostgreSQL says. -log adds a line of JSON to each decision.
package main

import (
	"encoding/base64"
	"encoding/json"
	"flag"
	"log"
	"log/slog"
	"net"
	"os"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/golang-jwt/jwt/v5"
	"google.golang.org/grpc"
)

// policy as gen writes it.
type policy struct {
	Issuer, Audience, Secret string
	PublicKey                string `json:"ed25519PublicKey"`
	Routes                   []struct{ Method, Path, Permission string }
	Roles                    map[string][]string
}

func main() {
	addr := flag.String("addr", "127.0.0.1:9101", "")
	file := flag.String("policy", "policy-100.json", "")
	logs := flag.Bool("log", false, "a line of JSON on standard output for each decision")
	flag.Parse()
	s, err := newServer(*file)
	if err != nil {
		log.Fatal(err)
	}
	if *logs {
		s.log = slog.New(slog.NewJSONHandler(os.Stdout, nil))
	}
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	g := grpc.NewServer()
	authv3.RegisterAuthorizationServer(g, s)
	log.Fatal(g.Serve(listener))
}

func newServer(file string) (*server, error) {
	var p policy
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	if err != nil {
		return nil, err
	}
	key, err := base64.RawURLEncoding.DecodeString(p.PublicKey)
	if err != nil {
		return nil, err
	}
	s := &server{
		secret: []byte(p.Secret), publicKey: key, routes: tree{}, roles: map[string]map[string]bool{},
		parser: jwt.NewParser(
			jwt.WithValidMethods([]string{"HS256", "EdDSA"}), jwt.WithIssuer(p.Issuer),
			jwt.WithAudience(p.Audience), jwt.WithExpirationRequired()),
	}
	for _, r := range p.Routes {
		s.routes.add(r.Method, r.Path, r.Permission)
	}
	for role, permissions := range p.Roles {
		s.roles[role] = map[string]bool{}
		for _, permission := range permissions {
			s.roles[role][permission] = true
		}
	}
	return s, nil
}
