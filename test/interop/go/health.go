package main

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

const (
	serving    = healthpb.HealthCheckResponse_SERVING
	notServing = healthpb.HealthCheckResponse_NOT_SERVING
)

func checkStatus(ctx context.Context, conn *grpc.ClientConn, service string) error {
	answer, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{Service: service})
	if err != nil {
		return err
	}
	if answer.Status != serving {
		return fmt.Errorf("%q is %v", service, answer.Status)
	}
	return nil
}

func health(ctx context.Context, conn *grpc.ClientConn) error {
	for _, service := range []string{"", "test.Echo"} {
		if err := checkStatus(ctx, conn, service); err != nil {
			return err
		}
	}
	if err := wanted(codes.NotFound, checkStatus(ctx, conn, "test.Missing")); err != nil {
		return err
	}
	list, err := healthpb.NewHealthClient(conn).List(ctx, &healthpb.HealthListRequest{})
	if err != nil {
		return err
	}
	if len(list.Statuses) != 2 || list.Statuses["test.Echo"].GetStatus() != serving {
		return fmt.Errorf("the list is %v", list.Statuses)
	}
	return nil
}

func healthWatch(ctx context.Context, conn *grpc.ClientConn) error {
	watch, err := healthpb.NewHealthClient(conn).Watch(ctx, &healthpb.HealthCheckRequest{Service: "test.Echo"})
	if err != nil {
		return err
	}
	// The server is told each time to be something else.
	for round, status := range []healthpb.HealthCheckResponse_ServingStatus{serving, notServing, serving} {
		if round > 0 {
			if _, err := call(ctx, conn, "Serving", []byte{byte((round + 1) % 2)}); err != nil {
				return err
			}
		}
		answer, err := watch.Recv()
		if err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
		if answer.Status != status {
			return fmt.Errorf("round %d: %v instead of %v", round, answer.Status, status)
		}
	}
	other, err := healthpb.NewHealthClient(conn).Watch(ctx, &healthpb.HealthCheckRequest{Service: "test.Missing"})
	if err != nil {
		return err
	}
	answer, err := other.Recv()
	if err != nil {
		return err
	}
	if answer.Status != healthpb.HealthCheckResponse_SERVICE_UNKNOWN {
		return fmt.Errorf("an unknown service is %v", answer.Status)
	}
	return nil
}
