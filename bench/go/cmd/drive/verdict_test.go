package main

import (
	"testing"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

func TestVerdictOfCheckResponse(t *testing.T) {
	denied := func(code typev3.StatusCode) *authv3.CheckResponse {
		return &authv3.CheckResponse{
			Status: &status.Status{Code: 7},
			HttpResponse: &authv3.CheckResponse_DeniedResponse{DeniedResponse: &authv3.DeniedHttpResponse{
				Status: &typev3.HttpStatus{Code: code}, Body: "{}",
			}},
		}
	}
	metadata, err := structpb.NewStruct(map[string]any{"reason": "granted"})
	if err != nil {
		t.Fatal(err)
	}
	for name, one := range map[string]struct {
		response *authv3.CheckResponse
		want     verdict
	}{
		"empty":                 {&authv3.CheckResponse{}, allow},
		"OK":                    {&authv3.CheckResponse{Status: &status.Status{}, DynamicMetadata: metadata}, allow},
		"OK with headers":       {&authv3.CheckResponse{HttpResponse: &authv3.CheckResponse_OkResponse{OkResponse: &authv3.OkHttpResponse{}}}, allow},
		"a status alone":        {&authv3.CheckResponse{Status: &status.Status{Code: 7}}, deny},
		"403":                   {denied(403), deny},
		"401":                   {denied(401), deny},
		"503":                   {denied(503), unavailable},
		"denied without a code": {denied(0), deny},
	} {
		b, err := proto.Marshal(one.response)
		if err != nil {
			t.Fatal(err)
		}
		if got := ofCheckResponse(b); got != one.want {
			t.Errorf("%s: %s instead of %s", name, verdictNames[got], verdictNames[one.want])
		}
	}
}

func TestVerdictOfStream(t *testing.T) {
	for name, one := range map[string]struct {
		s      stream
		client bool
		want   verdict
	}{
		"no grpc-status":  {stream{grpc: -1, body: make([]byte, 5)}, false, failed},
		"grpc error":      {stream{grpc: 14, body: make([]byte, 5)}, false, failed},
		"no message":      {stream{grpc: 0}, false, failed},
		"empty message":   {stream{grpc: 0, body: make([]byte, 5)}, false, allow},
		"cut off":         {stream{grpc: 0, body: []byte{0, 0, 0, 0, 2, 0x0a, 9}}, false, failed},
		"HTTP 200":        {stream{status: 200}, true, allow},
		"HTTP 401":        {stream{status: 401}, true, deny},
		"HTTP 503":        {stream{status: 503}, true, unavailable},
		"HTTP 500":        {stream{status: 500}, true, failed},
		"HTTP without it": {stream{}, true, failed},
	} {
		if got := verdictOf(&one.s, one.client); got != one.want {
			t.Errorf("%s: %s instead of %s", name, verdictNames[got], verdictNames[one.want])
		}
	}
}
