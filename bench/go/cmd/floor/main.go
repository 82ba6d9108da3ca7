// floor allows everything, on grpc-go and go-control-plane: the least that a Go server on the usual
// libraries can spend on a check.
package main

import (
	"context"
	"flag"
	"log"
	"net"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
)

type server struct {
	authv3.UnimplementedAuthorizationServer
}

func (server) Check(context.Context, *authv3.CheckRequest) (*authv3.CheckResponse, error) {
	header := func(key, value string) *corev3.HeaderValueOption {
		return &corev3.HeaderValueOption{Header: &corev3.HeaderValue{Key: key, Value: value}}
	}
	return &authv3.CheckResponse{HttpResponse: &authv3.CheckResponse_OkResponse{
		OkResponse: &authv3.OkHttpResponse{Headers: []*corev3.HeaderValueOption{
			header("x-user-id", "0123456789abcdef0123456789abcdef"),
			header("x-org-role", "staff"),
		}},
	}}, nil
}

func main() {
	addr := flag.String("addr", "127.0.0.1:9100", "")
	flag.Parse()
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	s := grpc.NewServer()
	authv3.RegisterAuthorizationServer(s, server{})
	log.Fatal(s.Serve(listener))
}
