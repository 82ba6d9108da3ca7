// Command interop calls the test methods of a server with grpc-go, one case a run, and exits with 1
// where it does not answer as a gRPC server has to.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"os"
	"sort"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
)

// raw sends and takes messages as they are.
type raw struct{}

func (raw) Name() string { return "raw" }
func (raw) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*v.(*[]byte))}, nil
}
func (raw) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

var _ encoding.CodecV2 = raw{}

const limit = 30 * time.Second

var (
	target = flag.String("target", "", "address of the server, as grpc-go writes it")
	ca     = flag.String("ca", "", "certificate authority; without it no TLS")
	name   = flag.String("case", "", "case to run")
)

// A testCase fails with an error.
type testCase func(ctx context.Context, conn *grpc.ClientConn) error

var cases = map[string]testCase{
	"sizes":         sizes,
	"concurrent":    concurrent,
	"large-flood":   largeFlood,
	"deadline":      deadline,
	"cancel":        cancelled,
	"metadata":      largeMetadata,
	"metadata-over": tooMuchMetadata,
	"compressed":    compressed,
	"unknown":       unknown,
	"no-message":    noMessage,
	"two-messages":  twoMessages,
	"health":        health,
	"health-watch":  healthWatch,
	"soak":          soak,
	"drain":         drain,
	"windows":       windows,
}

func main() {
	flag.Parse()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	chosen, ok := cases[*name]
	if !ok {
		return fmt.Errorf("no case %q; there are %s", *name, strings.Join(caseNames(), ", "))
	}
	conn, err := dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return chosen(ctx, conn)
}

func caseNames() []string {
	names := make([]string, 0, len(cases))
	for each := range cases {
		names = append(names, each)
	}
	sort.Strings(names)
	return names
}

func dial(more ...grpc.DialOption) (*grpc.ClientConn, error) {
	secured := insecure.NewCredentials()
	if *ca != "" {
		pem, err := os.ReadFile(*ca)
		if err != nil {
			return nil, err
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return nil, errors.New("no certificate in " + *ca)
		}
		secured = credentials.NewTLS(&tls.Config{RootCAs: roots})
	}
	options := append([]grpc.DialOption{
		grpc.WithTransportCredentials(secured),
		grpc.WithDisableRetry(),
	}, more...)
	return grpc.NewClient(*target, options...)
}

// call sends a message to a method of the test service.
func call(ctx context.Context, conn *grpc.ClientConn, method string, message []byte, more ...grpc.CallOption) ([]byte, error) {
	var answer []byte
	options := append([]grpc.CallOption{
		grpc.ForceCodecV2(raw{}),
		grpc.MaxCallRecvMsgSize(64 << 20),
		grpc.MaxCallSendMsgSize(64 << 20),
	}, more...)
	err := conn.Invoke(ctx, "/test.Echo/"+method, &message, &answer, options...)
	return answer, err
}

func echo(ctx context.Context, conn *grpc.ClientConn, message []byte) error {
	answer, err := call(ctx, conn, "Echo", message)
	if err != nil {
		return fmt.Errorf("echo of %d octets: %w", len(message), err)
	}
	if !bytes.Equal(answer, message) {
		return fmt.Errorf("echo of %d octets gave %d others", len(message), len(answer))
	}
	return nil
}

// wanted says what a call came to, if that is not the code.
func wanted(code codes.Code, err error) error {
	if status.Code(err) == code {
		return nil
	}
	return fmt.Errorf("%v instead of %v: %w", status.Code(err), code, err)
}
