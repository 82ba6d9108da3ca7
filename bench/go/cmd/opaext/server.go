package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"github.com/open-policy-agent/opa/v1/sdk"
	"github.com/open-policy-agent/opa/v1/util"
	"github.com/tenantgate/tenantgate/bench/go/headers"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"
)

type server struct {
	authv3.UnimplementedAuthorizationServer
	engine *sdk.OPA
}

func (s *server) Check(ctx context.Context, r *authv3.CheckRequest) (*authv3.CheckResponse, error) {
	headers.FromMap(r)
	in, err := inputOf(r)
	if err != nil {
		return nil, err
	}
	decision, err := s.engine.Decision(ctx, sdk.DecisionOptions{Path: "/authz/result", Input: in})
	if err != nil {
		return nil, err
	}
	result, ok := decision.Result.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("unexpected result %T", decision.Result)
	}
	metadata, err := structpb.NewStruct(map[string]any{"decision_id": decision.ID})
	if err != nil {
		return nil, err
	}
	if allowed, _ := result["allowed"].(bool); !allowed {
		return denied(result, metadata), nil
	}
	var injected []*corev3.HeaderValueOption
	named, _ := result["headers"].(map[string]any)
	for key, value := range named {
		text, _ := value.(string)
		injected = append(injected, &corev3.HeaderValueOption{Header: &corev3.HeaderValue{Key: key, Value: text}})
	}
	return &authv3.CheckResponse{
		Status: &status.Status{}, DynamicMetadata: metadata,
		HttpResponse: &authv3.CheckResponse_OkResponse{OkResponse: &authv3.OkHttpResponse{Headers: injected}},
	}, nil
}

func denied(result map[string]any, metadata *structpb.Struct) *authv3.CheckResponse {
	code := int64(403)
	if number, ok := result["http_status"].(json.Number); ok {
		if n, err := number.Int64(); err == nil {
			code = n
		}
	}
	return &authv3.CheckResponse{
		Status: &status.Status{Code: int32(codes.PermissionDenied)}, DynamicMetadata: metadata,
		HttpResponse: &authv3.CheckResponse_DeniedResponse{DeniedResponse: &authv3.DeniedHttpResponse{
			Status: &typev3.HttpStatus{Code: typev3.StatusCode(code)},
		}},
	}
}

// inputOf is the document that opa-envoy-plugin gives to a policy.
func inputOf(r *authv3.CheckRequest) (map[string]any, error) {
	b, err := protojson.Marshal(r)
	if err != nil {
		return nil, err
	}
	var in map[string]any
	if err = util.UnmarshalJSON(b, &in); err != nil {
		return nil, err
	}
	u, err := url.Parse(r.GetAttributes().GetRequest().GetHttp().GetPath())
	if err != nil {
		return nil, err
	}
	var path []any
	for segment := range strings.SplitSeq(strings.TrimLeft(u.Path, "/"), "/") {
		path = append(path, segment)
	}
	query := map[string]any{}
	for name, values := range u.Query() {
		list := make([]any, len(values))
		for i, value := range values {
			list[i] = value
		}
		query[name] = list
	}
	in["parsed_path"], in["parsed_query"] = path, query
	in["version"] = map[string]any{"ext_authz": "v3", "encoding": "protojson"}
	return in, nil
}
