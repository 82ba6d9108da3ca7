package headers

import (
	"maps"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
)

func requestOf(http *authv3.AttributeContext_HttpRequest) *authv3.CheckRequest {
	return &authv3.CheckRequest{Attributes: &authv3.AttributeContext{
		Request: &authv3.AttributeContext_Request{Http: http},
	}}
}

func TestFromMap(t *testing.T) {
	all := &corev3.HeaderMap{Headers: []*corev3.HeaderValue{
		{Key: "authorization", RawValue: []byte("Bearer a.b.c")}, {Key: "x", Value: "y"},
	}}
	for name, test := range map[string]struct{ given, want map[string]string }{
		"raw headers":  {nil, map[string]string{"authorization": "Bearer a.b.c", "x": "y"}},
		"plain ones":   {map[string]string{"a": "b"}, map[string]string{"a": "b"}},
		"none of them": {map[string]string{}, map[string]string{"authorization": "Bearer a.b.c", "x": "y"}},
	} {
		r := requestOf(&authv3.AttributeContext_HttpRequest{Headers: test.given, HeaderMap: all})
		FromMap(r)
		if got := r.GetAttributes().GetRequest().GetHttp().GetHeaders(); !maps.Equal(got, test.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
	FromMap(&authv3.CheckRequest{}) // of nothing at all
}
