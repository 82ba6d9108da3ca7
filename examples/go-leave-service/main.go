// A service behind tenantgate: leave of the members of organizations, kept in memory. Its routes are
// those of ../policy.yaml. It decides nothing about who may do what: the gate has. It only looks
// nowhere but in the organization that the gate names.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	tenantgate "github.com/tenantgate/tenantgate/go"
)

const shutdownTimeout = 10 * time.Second

func main() {
	// `healthcheck` is for containers without a shell or curl.
	if len(os.Args) > 1 && os.Args[1] == "healthcheck" {
		os.Exit(healthcheck())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	if err := run(ctx, log); err != nil {
		log.Error("the service ends", "cause", err.Error())
		os.Exit(1)
	}
}

func run(ctx context.Context, log *slog.Logger) error {
	gate, err := newGate(log)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", listenAddress())
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           newService(gate, newStore()),
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       2 * time.Minute,
	}
	log.Info("listening", "address", listener.Addr().String())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()

	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	// What is under way is finished; nothing new is taken.
	closing, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(closing); err != nil {
		return err
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	log.Info("closed")
	return nil
}

// newGate verifies assertions by TENANTGATE_JWKS_URL; TENANTGATE_TRUST_HEADERS=true is for a network
// in which nothing but the gateway reaches this service.
func newGate(log *slog.Logger) (*tenantgate.Gate, error) {
	return tenantgate.New(tenantgate.Config{
		JWKSURL:      os.Getenv("TENANTGATE_JWKS_URL"),
		Audience:     environment("TENANTGATE_AUDIENCE", "leave"),
		TrustHeaders: os.Getenv("TENANTGATE_TRUST_HEADERS") == "true",
		OnRefused: func(r *http.Request, err error) {
			log.Warn("refused", "path", r.URL.Path, "peer", r.RemoteAddr, "cause", err.Error())
		},
	})
}

func listenAddress() string { return environment("LISTEN", ":8080") }

func environment(name, usual string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return usual
}

func healthcheck() int {
	_, port, err := net.SplitHostPort(listenAddress())
	if err != nil {
		return 1
	}
	client := http.Client{Timeout: 2 * time.Second}
	response, err := client.Get(fmt.Sprintf("http://127.0.0.1:%s/healthz", port))
	if err != nil {
		return 1
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return 1
	}
	return 0
}
