// opaext is OPA's engine (its Go SDK, with OPA's own decision-log plugin) behind a thin ext_authz
// server. It stands for opa-envoy-plugin and is not that program: the same engine, the same input
// (the CheckRequest as protobuf JSON with parsed_path and parsed_query), the same kind of result.
package main

import (
	"context"
	_ "embed"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"strings"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/open-policy-agent/opa/v1/logging"
	"github.com/open-policy-agent/opa/v1/sdk"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"google.golang.org/grpc"
)

//go:embed policy.rego
var rego []byte

func main() {
	addr := flag.String("addr", "127.0.0.1:9102", "")
	data := flag.String("data", "opa-data-hs-100.json", "")
	logs := flag.Bool("log", false, "OPA's decision log on the console")
	flag.Parse()
	engine, err := newEngine(*data, *logs)
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	g := grpc.NewServer()
	authv3.RegisterAuthorizationServer(g, &server{engine: engine})
	log.Fatal(g.Serve(listener))
}

func newEngine(data string, logs bool) (*sdk.OPA, error) {
	file, err := writeBundle(data)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(filepath.Dir(file))
	config := fmt.Sprintf(`{"bundles":{"b":{"resource":"file://%s"}}`, file)
	if logs {
		config += `,"decision_logs":{"console":true}`
	}
	messages := logging.New() // OPA's own
	messages.SetLevel(logging.Error)
	return sdk.New(context.Background(), sdk.Options{
		ID: "bench", Logger: messages, Config: strings.NewReader(config + "}"),
		// As OPA's --optimize-store-for-read-speed.
		Store: inmem.NewWithOpts(inmem.OptReturnASTValuesOnRead(true), inmem.OptRoundTripOnWrite(false)),
	})
}
