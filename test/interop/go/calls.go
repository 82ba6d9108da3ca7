package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
)

func message(seed int64, length int) []byte {
	octets := make([]byte, length)
	rand.New(rand.NewSource(seed)).Read(octets)
	return octets
}

func sizes(ctx context.Context, conn *grpc.ClientConn) error {
	for _, length := range []int{0, 1, 100, 1_400, 16_379, 16_380, 60_000, 65_535, 200_000, 1 << 20} {
		if err := echo(ctx, conn, message(int64(length), length)); err != nil {
			return err
		}
	}
	return nil
}

// together runs a function many times at once.
func together(count int, do func(worker int) error) error {
	failures := make(chan error, count)
	var workers sync.WaitGroup
	for worker := range count {
		workers.Go(func() { failures <- do(worker) })
	}
	workers.Wait()
	close(failures)
	for err := range failures {
		if err != nil {
			return err
		}
	}
	return nil
}

func concurrent(ctx context.Context, conn *grpc.ClientConn) error {
	return together(100, func(worker int) error {
		for round := range 50 {
			if err := echo(ctx, conn, message(int64(worker*1_000+round), 50+worker*30)); err != nil {
				return err
			}
		}
		return nil
	})
}

// More than all windows, both ways, at once.
func largeFlood(ctx context.Context, conn *grpc.ClientConn) error {
	return together(12, func(worker int) error {
		for round := range 10 {
			if err := echo(ctx, conn, message(int64(worker*100+round), 200_000)); err != nil {
				return err
			}
		}
		return nil
	})
}

func deadline(ctx context.Context, conn *grpc.ClientConn) error {
	for range 20 {
		short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		_, err := call(short, conn, "Never", []byte("x"))
		cancel()
		if err := wanted(codes.DeadlineExceeded, err); err != nil {
			return err
		}
	}
	if err := echo(ctx, conn, []byte("after")); err != nil {
		return err
	}
	return counted(ctx, conn, "Waiting", 0)
}

func cancelled(ctx context.Context, conn *grpc.ClientConn) error {
	given, cancel := context.WithCancel(ctx)
	defer cancel()
	const count = 50
	failures := make(chan error, 1)
	go func() {
		failures <- together(count, func(int) error {
			_, err := call(given, conn, "Never", message(1, 30_000))
			return wanted(codes.Canceled, err)
		})
	}()
	if err := counted(ctx, conn, "Waiting", count); err != nil {
		return err
	}
	cancel()
	if err := <-failures; err != nil {
		return err
	}
	if err := echo(ctx, conn, []byte("after")); err != nil {
		return err
	}
	return errors.Join(
		counted(ctx, conn, "Cancellations", count),
		counted(ctx, conn, "Waiting", 0),
	)
}

// counted waits until the server has counted so many.
func counted(ctx context.Context, conn *grpc.ClientConn, method string, count uint32) error {
	var seen uint32
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		answer, err := call(ctx, conn, method, nil)
		if err != nil {
			return err
		}
		if seen = binary.BigEndian.Uint32(answer); seen == count {
			return nil
		}
	}
	return fmt.Errorf("%s: the server counts %d instead of %d", method, seen, count)
}

func withMetadata(ctx context.Context, fields, octets int) context.Context {
	for field := range fields {
		ctx = metadata.AppendToOutgoingContext(ctx, fmt.Sprintf("x-large-%d", field), strings.Repeat("m", octets))
	}
	return ctx
}

// 40 kB come as HEADERS and CONTINUATION, and go through a table of 4 kB.
func largeMetadata(ctx context.Context, conn *grpc.ClientConn) error {
	for range 5 {
		if err := echo(withMetadata(ctx, 1, 40_000), conn, []byte("large")); err != nil {
			return err
		}
		if err := echo(withMetadata(ctx, 40, 1_000), conn, []byte("many")); err != nil {
			return err
		}
	}
	return echo(ctx, conn, []byte("after"))
}

func tooMuchMetadata(ctx context.Context, conn *grpc.ClientConn) error {
	// grpc-go keeps to what a server announces, once it has read it.
	if err := echo(ctx, conn, []byte("before")); err != nil {
		return err
	}
	_, err := call(withMetadata(ctx, 4, 100_000), conn, "Echo", []byte("x"))
	if err == nil {
		return errors.New("400 kB of metadata were taken")
	}
	return echo(ctx, conn, []byte("after"))
}

func compressed(ctx context.Context, conn *grpc.ClientConn) error {
	_, err := call(ctx, conn, "Echo", message(1, 100), grpc.UseCompressor(gzip.Name))
	if err := wanted(codes.Unimplemented, err); err != nil {
		return err
	}
	// An empty message is never compressed, whatever is named.
	if _, err := call(ctx, conn, "Echo", nil, grpc.UseCompressor(gzip.Name)); err != nil {
		return err
	}
	return echo(ctx, conn, []byte("after"))
}

func unknown(ctx context.Context, conn *grpc.ClientConn) error {
	_, err := call(ctx, conn, "Missing", message(1, 200_000))
	if err := wanted(codes.Unimplemented, err); err != nil {
		return err
	}
	return echo(ctx, conn, []byte("after"))
}

func streamOf(ctx context.Context, conn *grpc.ClientConn, method string, messages ...[]byte) error {
	description := &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}
	stream, err := conn.NewStream(ctx, description, "/test.Echo/"+method, grpc.ForceCodecV2(raw{}))
	if err != nil {
		return err
	}
	for _, each := range messages {
		if err := stream.SendMsg(&each); err != nil {
			break // the answer says why
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	var answer []byte
	return stream.RecvMsg(&answer)
}

func noMessage(ctx context.Context, conn *grpc.ClientConn) error {
	if streamOf(ctx, conn, "Echo") == nil {
		return errors.New("a call without a message was answered")
	}
	return echo(ctx, conn, []byte("after"))
}

func twoMessages(ctx context.Context, conn *grpc.ClientConn) error {
	if streamOf(ctx, conn, "Echo", []byte("one"), []byte("two")) == nil {
		return errors.New("a call of two messages was answered")
	}
	return echo(ctx, conn, []byte("after"))
}

// One after the other, each with what grpc-go adds to an idle connection: a WINDOW_UPDATE and a PING.
func soak(ctx context.Context, conn *grpc.ClientConn) error {
	for round := range 3_000 {
		if err := echo(ctx, conn, message(int64(round), round%3_000)); err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
	}
	return nil
}

// The server is closed while calls are under way: they are answered.
func drain(ctx context.Context, conn *grpc.ClientConn) error {
	if err := echo(ctx, conn, []byte("before")); err != nil {
		return err
	}
	err := together(30, func(worker int) error {
		if worker == 0 {
			time.Sleep(50 * time.Millisecond)
			_, err := call(ctx, conn, "Close", nil)
			return err
		}
		answer, err := call(ctx, conn, "Late", []byte{0, 0, 1, 44, byte(worker)})
		if err == nil && (len(answer) != 1 || answer[0] != byte(worker)) {
			return fmt.Errorf("late answer %v to %d", answer, worker)
		}
		return err
	})
	if err != nil {
		return err
	}
	return wanted(codes.Unavailable, echo(ctx, conn, []byte("after")))
}

// Small windows of the client: answers come in pieces, as it reads.
func windows(ctx context.Context, _ *grpc.ClientConn) error {
	conn, err := dial(grpc.WithInitialWindowSize(65_536), grpc.WithInitialConnWindowSize(65_536), grpc.WithReadBufferSize(1_024))
	if err != nil {
		return err
	}
	defer conn.Close()
	return together(20, func(worker int) error {
		return echo(ctx, conn, message(int64(worker), 150_000))
	})
}
