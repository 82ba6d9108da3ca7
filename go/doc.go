// Package tenantgate is for services behind tenantgate: it reads who asks from what the gate injected
// into the request, and refuses requests that did not come through the gate.
//
//	gate, err := tenantgate.New(tenantgate.Config{
//		JWKSURL:  "http://tenantgate:9180/.well-known/jwks.json",
//		Audience: "leave",
//	})
//	...
//	http.ListenAndServe(":8080", gate.Middleware(mux))
//
// A handler asks [FromContext] who the user is. The gate has decided already whether the request may
// pass; what is left to a service is to look only at rows of [Identity.OrganizationID].
//
// With assertions (TENANTGATE_ASSERTION=on) the identity is signed, and nobody inside the network can
// make one up. Without them ([Config.TrustHeaders]) it is as good as the network: whoever reaches the
// service directly can be anybody.
//
// The package uses the standard library alone. One algorithm is ever verified (Ed25519), so there is
// none for a token to choose.
package tenantgate
