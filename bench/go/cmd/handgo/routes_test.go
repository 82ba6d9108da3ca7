package main

import "testing"

func TestMatch(t *testing.T) {
	routes := tree{}
	routes.add("GET", "/api/v1/organizations/{organizationId}/leave/{id}", "leave:read")
	routes.add("POST", "/api/v1/organizations/{organizationId}/leave/{id}/approve", "leave:approve")
	for request, want := range map[[2]string][2]string{
		{"POST", "/api/v1/organizations/o1/leave/l1/approve?x=1"}: {"leave:approve", "o1"},
		{"GET", "/api/v1/organizations/o2/leave/l1"}:              {"leave:read", "o2"},
		{"POST", "/api/v1/organizations/o1/leave/l1"}:             {},
		{"GET", "/api/v1/organizations/o1/leave"}:                 {},
		{"GET", "/api/v1/organizations/o1/nothing/l1"}:            {},
		{"DELETE", "/api/v1/organizations/o1/leave/l1"}:           {},
	} {
		permission, organization, ok := routes.match(request[0], request[1])
		if ok != (want[0] != "") || permission != want[0] || (ok && organization != want[1]) {
			t.Errorf("%v: %q %q %v", request, permission, organization, ok)
		}
	}
}
