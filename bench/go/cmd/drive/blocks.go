package main

import (
	"bytes"
	"fmt"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/protobuf/proto"
)

const checkPath = "/envoy.service.auth.v3.Authorization/Check"

// blocks makes the header blocks of one connection.
type blocks struct {
	encoder *hpack.Encoder
	buffer  *bytes.Buffer
	check   []hpack.HeaderField
	path    []byte
	// The block of a check, once all its fields are in the table: it stays the same then.
	steady  []byte
	encoded int
	// The fields of the requests that CheckRequests tell of.
	clients map[*byte][]hpack.HeaderField
}

func newBlocks(o options) blocks {
	b := blocks{buffer: &bytes.Buffer{}, clients: map[*byte][]hpack.HeaderField{}}
	b.encoder = hpack.NewEncoder(b.buffer)
	// Envoy writes :path without indexing, Huffman-coded, each time (RFC 7541, section 6.2.2).
	b.path = append(b.path, 4, 0x80|byte(hpack.HuffmanEncodeLength(checkPath)))
	b.path = hpack.AppendHuffmanString(b.path, checkPath)
	add := func(name, value string) {
		b.check = append(b.check, hpack.HeaderField{Name: name, Value: value})
	}
	add(":authority", "authz")
	add(":scheme", "http")
	add("te", "trailers")
	if o.timeout > 0 {
		add("grpc-timeout", fmt.Sprintf("%dm", o.timeout/time.Millisecond))
	}
	add("content-type", "application/grpc")
	add("x-envoy-internal", "true")
	add("x-forwarded-for", "10.0.0.7")
	add("x-envoy-expected-rq-timeout-ms", "250")
	return b
}

func (b *blocks) limitTable(size uint32) {
	b.encoder.SetMaxDynamicTableSizeLimit(size)
	b.encoded = 0
}

func (b *blocks) field(f hpack.HeaderField) {
	// It writes to a buffer in memory, which never fails.
	_ = b.encoder.WriteField(f)
}

// ofCheck is the block of a check as Envoy sends it.
func (b *blocks) ofCheck() []byte {
	if b.encoded >= 2 {
		return b.steady
	}
	b.buffer.Reset()
	b.field(hpack.HeaderField{Name: ":method", Value: "POST"})
	method := bytes.Clone(b.buffer.Bytes())
	b.buffer.Reset()
	for _, f := range b.check {
		b.field(f)
	}
	b.steady = append(append(method, b.path...), b.buffer.Bytes()...)
	b.encoded++
	return b.steady
}

// ofClient is the block of the request that a CheckRequest tells of, without a body.
func (b *blocks) ofClient(message []byte) []byte {
	key := &message[0]
	fields, known := b.clients[key]
	if !known {
		fields = clientFields(message)
		b.clients[key] = fields
	}
	b.buffer.Reset()
	for _, f := range fields {
		b.field(f)
	}
	return b.buffer.Bytes()
}

func clientFields(message []byte) (fields []hpack.HeaderField) {
	var request authv3.CheckRequest
	if err := proto.Unmarshal(message, &request); err != nil {
		panic(err)
	}
	h := request.GetAttributes().GetRequest().GetHttp().GetHeaders()
	for _, name := range []string{":method", ":scheme", ":authority", ":path"} {
		fields = append(fields, hpack.HeaderField{Name: name, Value: h[name], Sensitive: name == ":path"})
	}
	for name, value := range h {
		switch name {
		case ":method", ":scheme", ":authority", ":path", "content-length", "x-request-id", "x-forwarded-for", "x-forwarded-proto":
			continue // said already, or Envoy's to say
		}
		fields = append(fields, hpack.HeaderField{Name: name, Value: value, Sensitive: name == "authorization"})
	}
	return
}
