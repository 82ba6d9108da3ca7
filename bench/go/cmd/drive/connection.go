package main

import (
	"encoding/binary"
	"net"
	"sync"
	"time"
)

// kind of a request: what is measured, or what comes beside it.
type kind int

const (
	measured kind = iota
	beside
	kinds
)

// stream is a request that waits for its answer.
type stream struct {
	kind   kind
	dueNs  int64
	body   []byte
	grpc   int // grpc-status, -1 until it came
	status int // :status
}

// waiting requests are due, but the server lets no more be sent.
type waiting struct {
	kind    kind
	dueNs   int64
	message []byte
}

type conn struct {
	addr   string
	socket net.Conn
	d      *driver

	mu      sync.Mutex
	wake    *sync.Cond
	out     []byte // frames that the writer takes
	spare   []byte
	blocks  blocks
	nextID  uint32
	window  int // what the server lets us send on all streams together
	streams int // how many streams it lets us open
	open    map[uint32]*stream
	free    []*stream
	waiting []waiting
	dead    bool
	ledgers [kinds]ledger
}

func dial(addr string, d *driver) (*conn, error) {
	socket, err := net.DialTimeout("tcp", addr, 2*time.Second)
	if err != nil {
		return nil, err
	}
	c := &conn{addr: addr, d: d, open: map[uint32]*stream{}}
	for k := range c.ledgers {
		c.ledgers[k] = newLedger(d.options)
	}
	c.wake = sync.NewCond(&c.mu)
	c.mu.Lock()
	c.begin(socket)
	c.mu.Unlock()
	if !d.closed() && d.timeout > 0 {
		go c.giveUp()
	}
	return c, nil
}

// begin says the preface on a new socket and starts to read and write; the lock is held.
func (c *conn) begin(socket net.Conn) {
	c.socket, c.dead, c.nextID = socket, false, 1
	c.window, c.streams = initialWindow, 1<<30
	c.blocks = newBlocks(c.d.options)
	c.out = append(c.out[:0], preface()...)
	go c.write(socket)
	go c.read(socket)
}

// die ends a connection. An open loop goes on with another, as a gateway does; what was under way is
// lost. A closed one is over.
func (c *conn) die(socket net.Conn, err error) {
	c.mu.Lock()
	first := !c.dead && c.socket == socket // else the other of reader and writer was faster
	if first {
		c.dead = true
		for id, s := range c.open {
			delete(c.open, id)
			c.ledgers[s.kind].add(failed, s.dueNs, c.d)
		}
	}
	c.wake.Broadcast()
	c.mu.Unlock()
	socket.Close()
	if !first || c.d.stopped.Load() {
		return
	}
	if c.d.closed() {
		c.d.lose(err)
		return
	}
	c.d.reconnects.Add(1)
	if again := c.revive(); again != nil {
		c.d.lose(again)
	}
}

// revive takes a new socket and begins anew with what waits.
func (c *conn) revive() error {
	socket, err := net.DialTimeout("tcp", c.addr, 2*time.Second)
	for until := time.Now().Add(5 * time.Second); err != nil && time.Now().Before(until); {
		time.Sleep(20 * time.Millisecond)
		socket, err = net.DialTimeout("tcp", c.addr, 2*time.Second)
	}
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begin(socket)
	c.drain()
	return nil
}

// ask sends a request, or lets it wait for its turn; the lock is held.
func (c *conn) ask(dueNs int64, message []byte, k kind) {
	if len(c.waiting) > 0 || !c.mayAsk(message) {
		c.waiting = append(c.waiting, waiting{k, dueNs, message})
		return
	}
	c.put(dueNs, message, k)
}

func (c *conn) mayAsk(message []byte) bool {
	return !c.dead && len(c.open) < c.streams && (c.d.client || c.window >= len(message)+5)
}

func (c *conn) put(dueNs int64, message []byte, k kind) {
	id := c.nextID
	c.nextID += 2
	if c.d.client {
		block := c.blocks.ofClient(message)
		c.out = appendFrame(c.out, len(block), frameHeaders, flagEndHeaders|flagEndStream, id)
		c.out = append(c.out, block...)
	} else {
		block := c.blocks.ofCheck()
		c.out = appendFrame(c.out, len(block), frameHeaders, flagEndHeaders, id)
		c.out = append(c.out, block...)
		c.out = appendFrame(c.out, len(message)+5, frameData, flagEndStream, id)
		c.out = append(c.out, 0)
		c.out = binary.BigEndian.AppendUint32(c.out, uint32(len(message)))
		c.out = append(c.out, message...)
		c.window -= len(message) + 5
	}
	var s *stream
	if n := len(c.free); n > 0 {
		s, c.free = c.free[n-1], c.free[:n-1]
	} else {
		s = &stream{}
	}
	s.kind, s.dueNs, s.body, s.grpc, s.status = k, dueNs, s.body[:0], -1, 0
	c.open[id] = s
	c.wake.Signal()
}

// drain sends what waited, as far as it may be sent now.
func (c *conn) drain() {
	for len(c.waiting) > 0 && c.mayAsk(c.waiting[0].message) {
		w := c.waiting[0]
		c.waiting = c.waiting[1:]
		c.put(w.dueNs, w.message, w.kind)
	}
}

// answer counts a stream that has ended and, in a closed loop, asks again.
func (c *conn) answer(id uint32, s *stream, v verdict) {
	delete(c.open, id)
	c.ledgers[s.kind].add(v, s.dueNs, c.d)
	c.d.answered.Add(1)
	c.free = append(c.free, s)
	if c.d.closed() && !c.d.stopped.Load() {
		if m := c.d.message(); m != nil {
			c.ask(c.d.now(), m, measured)
		}
	}
	c.drain()
}

func (c *conn) write(socket net.Conn) {
	for {
		c.mu.Lock()
		for len(c.out) == 0 && !c.dead && c.socket == socket {
			c.wake.Wait()
		}
		if c.dead || c.socket != socket {
			c.mu.Unlock()
			return
		}
		b := c.out
		c.out, c.spare = c.spare[:0], nil
		c.mu.Unlock()
		if _, err := socket.Write(b); err != nil {
			c.die(socket, err)
			return
		}
		c.mu.Lock()
		c.spare = b
		c.mu.Unlock()
	}
}

// giveUp cancels what is older than the timeout, as a gateway does.
func (c *conn) giveUp() {
	for {
		time.Sleep(20 * time.Millisecond)
		if c.d.stopped.Load() && c.d.unanswered() == 0 {
			return
		}
		c.mu.Lock()
		late := c.d.now() - int64(c.d.timeout)
		for len(c.waiting) > 0 && c.waiting[0].dueNs < late {
			c.ledgers[c.waiting[0].kind].add(gaveUp, c.waiting[0].dueNs, c.d)
			c.waiting = c.waiting[1:]
		}
		for id, s := range c.open {
			if s.dueNs < late {
				c.out = appendFrame(c.out, 4, frameReset, 0, id)
				c.out = binary.BigEndian.AppendUint32(c.out, cancel)
				delete(c.open, id)
				c.ledgers[s.kind].add(gaveUp, s.dueNs, c.d)
				c.free = append(c.free, s)
				c.wake.Signal()
			}
		}
		c.drain()
		c.mu.Unlock()
	}
}
