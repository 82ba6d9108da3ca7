package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strconv"

	"golang.org/x/net/http2/hpack"
)

// reader takes the server's frames; fields of the connection are touched under its lock alone.
type reader struct {
	c        *conn
	decoder  *hpack.Decoder
	current  *stream // whose header block is being read; nil: nobody's
	received int     // since the last WINDOW_UPDATE
}

func (c *conn) read(socket net.Conn) {
	r := &reader{c: c}
	r.decoder = hpack.NewDecoder(4096, func(f hpack.HeaderField) {
		switch {
		case r.current == nil:
		case f.Name == "grpc-status":
			r.current.grpc, _ = strconv.Atoi(f.Value)
		case f.Name == ":status":
			r.current.status, _ = strconv.Atoi(f.Value)
		}
	})
	in := bufio.NewReaderSize(socket, 256<<10)
	var head [9]byte
	payload := make([]byte, 0, 32<<10)
	for {
		if _, err := io.ReadFull(in, head[:]); err != nil {
			c.die(socket, err)
			return
		}
		n := int(head[0])<<16 | int(head[1])<<8 | int(head[2])
		if cap(payload) < n {
			payload = make([]byte, n)
		}
		payload = payload[:n]
		if _, err := io.ReadFull(in, payload); err != nil {
			c.die(socket, err)
			return
		}
		id := binary.BigEndian.Uint32(head[5:]) & 0x7fffffff
		c.mu.Lock()
		if c.socket != socket {
			c.mu.Unlock()
			return
		}
		err := r.frame(head[3], head[4], id, payload)
		c.mu.Unlock()
		if err != nil {
			c.die(socket, err)
			return
		}
	}
}

func (r *reader) frame(kind, flags byte, id uint32, p []byte) error {
	c := r.c
	switch kind {
	case frameData:
		r.credit(len(p))
		if s := c.open[id]; s != nil {
			s.body = append(s.body, p...)
		}
	case frameHeaders, frameContinued:
		if kind == frameHeaders && flags&flagPadded != 0 {
			p = p[1 : len(p)-int(p[0])]
		}
		if kind == frameHeaders && flags&flagPriority != 0 {
			p = p[5:]
		}
		r.current = c.open[id]
		if _, err := r.decoder.Write(p); err != nil {
			return err
		}
		if flags&flagEndHeaders != 0 {
			if err := r.decoder.Close(); err != nil {
				return err
			}
		}
	case frameReset:
		if s := c.open[id]; s != nil {
			c.answer(id, s, failed)
		}
		return nil
	case frameSettings:
		if flags&flagAck == 0 {
			r.settings(p)
		}
	case framePing:
		if flags&flagAck == 0 {
			c.out = append(appendFrame(c.out, 8, framePing, flagAck, 0), p...)
			c.wake.Signal()
		}
	case frameWindowUpdate:
		// Messages are smaller than any stream's window: only the connection's matters.
		if id == 0 {
			c.window += int(binary.BigEndian.Uint32(p) & 0x7fffffff)
			c.drain()
		}
	case frameGoaway:
		return fmt.Errorf("GOAWAY %q", p)
	}
	if (kind == frameData || kind == frameHeaders) && flags&flagEndStream != 0 {
		if s := c.open[id]; s != nil {
			c.answer(id, s, verdictOf(s, c.d.client))
		}
	}
	return nil
}

// credit lets the server send on, as rarely as Envoy does.
func (r *reader) credit(n int) {
	r.received += n
	if r.received < windowStep {
		return
	}
	r.c.out = appendFrame(r.c.out, 4, frameWindowUpdate, 0, 0)
	r.c.out = binary.BigEndian.AppendUint32(r.c.out, uint32(r.received))
	r.received = 0
	r.c.wake.Signal()
}

func (r *reader) settings(p []byte) {
	c := r.c
	for ; len(p) >= 6; p = p[6:] {
		value := binary.BigEndian.Uint32(p[2:])
		switch binary.BigEndian.Uint16(p) {
		case settingTable:
			c.blocks.limitTable(value)
		case settingStreams:
			c.streams = int(value)
		}
	}
	c.out = appendFrame(c.out, 0, frameSettings, flagAck, 0)
	c.wake.Signal()
	c.drain()
}
