package main

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
)

type route struct {
	Method     string `json:"method"`
	Path       string `json:"path"`
	Permission string `json:"permission"`
}

var resources = []string{
	"leave", "shifts", "payroll", "members", "teams", "invoices", "projects", "documents", "assets", "tickets",
	"contracts", "expenses", "vendors", "reports", "calendars", "rooms", "devices", "surveys", "goals", "reviews",
}

var operations = []struct{ method, suffix, action string }{
	{"GET", "", "read"}, {"PUT", "", "update"}, {"DELETE", "", "delete"},
	{"POST", "/approve", "approve"}, {"POST", "/reject", "reject"},
}

// routesOf gives n routes: five operations on each resource, of which there are as many as it takes.
func routesOf(n int) (all []route) {
	for i := 0; len(all) < n; i++ {
		kind := resources[i%len(resources)]
		resource := kind
		if i >= len(resources) {
			resource = fmt.Sprintf("%s-%04d", kind, i/len(resources))
		}
		for _, o := range operations {
			if len(all) < n {
				path := "/api/v1/organizations/{organizationId}/" + resource + "/{id}" + o.suffix
				all = append(all, route{o.method, path, kind + ":" + o.action})
			}
		}
	}
	return
}

// roles hold 40, 35, 24 and 20 permissions.
func roles() map[string][]string {
	all := map[string][]string{}
	add := func(holds bool, role, permission string) {
		if holds {
			all[role] = append(all[role], permission)
		}
	}
	for i, kind := range resources {
		for _, o := range operations {
			permission := kind + ":" + o.action
			add(i < 8, "owner", permission)
			add(i < 7, "admin", permission)
			add(i < 6 && o.action != "delete", "staff", permission)
			add(o.action == "read", "viewer", permission)
		}
	}
	return all
}

// policy writes a policy for the servers by hand and the document that OPA's decides on.
func (g *generator) policy(n int) []route {
	all := routesOf(n)
	b, err := json.Marshal(map[string]any{
		"issuer": issuer, "audience": audience, "secret": secret, "keyId": keyEd,
		"ed25519PublicKey": base64.RawURLEncoding.EncodeToString(publicKey),
		"routes":           all, "roles": roles(),
	})
	must(err)
	g.write(fmt.Sprintf("policy-%d.json", n), b)
	g.opa(n, all)
	return all
}

// opa indexes the routes by method, resource and action, so that each is one look-up.
func (g *generator) opa(n int, all []route) {
	index := map[string]map[string]map[string]string{}
	for _, r := range all {
		segments := strings.Split(r.Path[1:], "/") // api v1 organizations {org} resource {id} [action]
		action := strings.Join(segments[6:], "")
		if index[r.Method] == nil {
			index[r.Method] = map[string]map[string]string{}
		}
		if index[r.Method][segments[4]] == nil {
			index[r.Method][segments[4]] = map[string]string{}
		}
		index[r.Method][segments[4]][action] = r.Permission
	}
	held := map[string]map[string]bool{}
	for role, permissions := range roles() {
		held[role] = map[string]bool{}
		for _, permission := range permissions {
			held[role][permission] = true
		}
	}
	for name, constraints := range map[string]map[string]string{
		"hs": {"alg": "HS256", "secret": secret}, "ed": {"alg": "EdDSA", "cert": publicPem()},
	} {
		constraints["iss"], constraints["aud"] = issuer, audience
		b, err := json.Marshal(map[string]any{"constraints": constraints, "routes": index, "roles": held})
		must(err)
		g.write(fmt.Sprintf("opa-data-%s-%d.json", name, n), b)
	}
}

func publicPem() string {
	der, err := x509.MarshalPKIXPublicKey(ed25519.PublicKey(publicKey))
	must(err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}
