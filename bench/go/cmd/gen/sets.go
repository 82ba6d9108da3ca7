package main

import (
	"fmt"
	"maps"
	"math/rand"
	"strings"
)

const many = 1000

// base: the workload itself, and the cases that a server has to get right before it is measured.
func (g *generator) base() {
	r := rand.New(rand.NewSource(20260101))
	g.policy(100)
	people := g.people(r, many)
	hot := people[0]
	g.subjectsFile("base", people)
	var hs, ed, cookies [][]byte
	for _, c := range people {
		hs = append(hs, g.approval(r, c.Organization, hs256(c)))
		ed = append(ed, g.approval(r, c.Organization, eddsa(c)))
		more := bearer(hs256(c))
		maps.Copy(more, map[string]string{"cookie": "session=" + strings.Repeat(id(r), 128)})
		cookies = append(cookies, g.request(r, "POST", pathIn(c.Organization, "leave/"+id(r)+"/approve"), more))
	}
	g.requests("W1", hs[0])
	g.requests("W1000", hs...)
	g.requests("WEd1", ed[0])
	g.requests("WEd1000", ed...)
	g.requests("Wcookie", cookies...)
	g.cases(r, hot)
}

// cases are refused, each for one reason.
func (g *generator) cases(r *rand.Rand, hot claims) {
	token := hs256(hot)
	refused := func(name, organization, token string) {
		g.requests(name, g.approval(r, organization, token))
	}
	with := func(change func(*claims)) string {
		c := hot
		change(&c)
		return hs256(c)
	}
	refused("Wdeny", id(r), token)
	refused("Wbad", hot.Organization, forged(token))
	refused("CEdbad", hot.Organization, forged(eddsa(hot)))
	refused("Cnone", hot.Organization, unsecured(token))
	refused("Cexp", hot.Organization, with(func(c *claims) {
		c.IssuedAt, c.Expires = g.day.AddDate(-1, 0, 0).Unix(), g.day.AddDate(0, 0, -1).Unix()
	}))
	refused("Ciss", hot.Organization, with(func(c *claims) { c.Issuer = "https://evil.example.com" }))
	refused("Caud", hot.Organization, with(func(c *claims) { c.Audience = "https://other.example.com" }))
	// What staff may not: another's route, and one that does not exist.
	g.requests("Crole", g.request(r, "POST", pathIn(hot.Organization, "rooms/"+id(r)+"/approve"), bearer(token)))
	g.requests("Croute", g.request(r, "POST", pathIn(hot.Organization, "nothing/"+id(r)+"/approve"), bearer(token)))
}

// routes: 1,000 requests all over n routes, by the first of base's people.
func (g *generator) routes(n int) {
	hot := g.someone(rand.New(rand.NewSource(20260101)))
	r := rand.New(rand.NewSource(int64(n)))
	held := map[string]bool{}
	for _, permission := range roles()[hot.Role] {
		held[permission] = true
	}
	all := g.policy(n)
	token := hs256(hot)
	var requests [][]byte
	for len(requests) < many {
		if to := all[r.Intn(n)]; held[to.Permission] {
			path := strings.NewReplacer("{organizationId}", hot.Organization, "{id}", id(r)).Replace(to.Path)
			requests = append(requests, g.request(r, to.Method, path+"?x=1", bearer(token)))
		}
	}
	g.requests(fmt.Sprintf("R%d", n), requests...)
}

// subjects: n people, each with one request.
func (g *generator) subjects(n int) {
	r := rand.New(rand.NewSource(20260102))
	people := g.people(r, n)
	g.subjectsFile(fmt.Sprintf("S%d", n), people)
	requests := make([][]byte, 0, n)
	for _, c := range people {
		requests = append(requests, g.approval(r, c.Organization, hs256(c)))
	}
	g.requests(fmt.Sprintf("S%d", n), requests...)
}

// fresh: n people and as many again for the warm-up, each with one token of either kind.
func (g *generator) fresh(n int) {
	r := rand.New(rand.NewSource(20260103))
	people := g.people(r, 2*n)
	g.subjectsFile(fmt.Sprintf("F%d", n), people)
	for name, sign := range map[string]func(claims) string{"HS": hs256, "Ed": eddsa} {
		var requests [][]byte
		for _, c := range people {
			requests = append(requests, g.approval(r, c.Organization, sign(c)))
		}
		g.requests(fmt.Sprintf("F%s%d-warm", name, n), requests[:n]...)
		g.requests(fmt.Sprintf("F%s%d", name, n), requests[n:]...)
	}
}

// burst: n tokens of base's people, none of which was seen before: all signatures are to be verified.
func (g *generator) burst(n int) {
	people := g.people(rand.New(rand.NewSource(20260101)), many)
	r := rand.New(rand.NewSource(20260104))
	requests := make([][]byte, 0, n)
	for i := range n {
		c := people[i%many]
		c.IssuedAt -= int64(i)
		requests = append(requests, g.approval(r, c.Organization, eddsa(c)))
	}
	g.requests(fmt.Sprintf("B%d", n), requests...)
}
