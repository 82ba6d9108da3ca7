package main

import (
	"fmt"
	"maps"
	"math/rand"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const host = "api.example.com"

// browser headers of every request, beside those that differ.
var browser = map[string]string{
	":authority": host, ":scheme": "https",
	"accept":            "application/json",
	"accept-encoding":   "gzip, br",
	"accept-language":   "en-GB,en;q=0.9",
	"content-type":      "application/json",
	"content-length":    "42",
	"origin":            "https://app.example.com",
	"sec-ch-ua-mobile":  "?0",
	"sec-fetch-dest":    "empty",
	"sec-fetch-mode":    "cors",
	"sec-fetch-site":    "same-site",
	"user-agent":        "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0",
	"x-app-version":     "5.12.0",
	"x-forwarded-proto": "https",
}

// request is a CheckRequest as Envoy sends it: 1.3 kB, with the path in it twice.
func (g *generator) request(r *rand.Rand, method, path string, more map[string]string) []byte {
	headers := maps.Clone(browser)
	headers[":method"], headers[":path"] = method, path
	headers["x-forwarded-for"] = fmt.Sprintf("203.0.113.%d", r.Intn(255))
	headers["x-request-id"] = fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x",
		r.Uint32(), r.Intn(65536), r.Intn(4096), r.Intn(4096), r.Int63n(1<<48))
	maps.Copy(headers, more)
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(&authv3.CheckRequest{
		Attributes: &authv3.AttributeContext{
			Source: peer("203.0.113.9", 51234), Destination: peer("10.0.0.5", 8443),
			Request: &authv3.AttributeContext_Request{
				Time: timestamppb.New(g.day),
				Http: &authv3.AttributeContext_HttpRequest{
					Id: fmt.Sprint(r.Uint64()), Method: method, Headers: headers, Path: path,
					Host: host, Scheme: "https", Protocol: "HTTP/2", Size: 42,
				},
			},
			MetadataContext: &corev3.Metadata{}, RouteMetadataContext: &corev3.Metadata{},
		},
	})
	must(err)
	return b
}

func peer(address string, port uint32) *authv3.AttributeContext_Peer {
	return &authv3.AttributeContext_Peer{Address: &corev3.Address{
		Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
			Address: address, PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: port},
		}},
	}}
}

func bearer(token string) map[string]string {
	return map[string]string{"authorization": "Bearer " + token}
}

func pathIn(organization, rest string) string {
	return "/api/v1/organizations/" + organization + "/" + rest + "?x=1"
}

// approval is the request of the workload: one who may approves a leave.
func (g *generator) approval(r *rand.Rand, organization, token string) []byte {
	return g.request(r, "POST", pathIn(organization, "leave/"+id(r)+"/approve"), bearer(token))
}
