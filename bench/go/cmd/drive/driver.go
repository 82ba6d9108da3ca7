package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// driver is one run: what is asked, over which connections, and when.
type driver struct {
	options
	began   time.Time
	conns   []*conn
	next    atomic.Uint64
	nextBy  atomic.Uint64 // of those beside
	stopped atomic.Bool
	// Of what was due in [fromNs, toNs) answers are counted; both move only between parts of a run.
	fromNs, toNs atomic.Int64
	answered     atomic.Uint64
	reconnects   atomic.Uint64

	mu   sync.Mutex
	lost error
}

const never = int64(1) << 62

func newDriver(o options) *driver {
	d := &driver{options: o, began: time.Now()}
	d.fromNs.Store(never)
	if o.count > 0 {
		d.fromNs.Store(0)
	} else if len(o.phases) > 0 {
		d.fromNs.Store(int64(o.warm))
	}
	d.toNs.Store(never)
	return d
}

// now is the time since the run began, in ns.
func (d *driver) now() int64 { return int64(time.Since(d.began)) }

// message gives the next one; nil when as many as were asked for are out.
func (d *driver) message() []byte {
	n := d.next.Add(1) - 1
	if d.count > 0 && n >= uint64(d.count) {
		return nil
	}
	return d.messages[(uint64(d.from)+n)%uint64(len(d.messages))]
}

func (d *driver) messageBeside() []byte {
	n := d.nextBy.Add(1) - 1
	return d.beside.messages[n%uint64(len(d.beside.messages))]
}

// closed says whether an answer brings the next request.
func (d *driver) closed() bool { return len(d.phases) == 0 }

// fill opens the streams of a closed loop.
func (d *driver) fill() {
	if d.count == 0 {
		time.AfterFunc(d.warm, func() { d.fromNs.Store(d.now()) })
	}
	for _, c := range d.conns {
		c.mu.Lock()
		for range d.streams {
			if m := d.message(); m != nil {
				c.ask(d.now(), m, measured)
			}
		}
		c.mu.Unlock()
	}
}

func (d *driver) awaitCount() {
	for d.answered.Load() < uint64(d.count) && d.fault() == nil {
		time.Sleep(200 * time.Microsecond)
	}
}

// finish ends the load. What was due in time in an open loop may still be answered.
func (d *driver) finish(beganNs, endedNs int64) {
	d.toNs.Store(endedNs)
	d.stopped.Store(true)
	if d.closed() {
		d.fromNs.Store(never)
		return
	}
	grace := max(d.timeout, time.Second) + 100*time.Millisecond
	for until := d.now() + int64(grace); d.now() < until && d.unanswered() > 0; {
		time.Sleep(time.Millisecond)
	}
}

func (d *driver) unanswered() (all int) {
	for _, c := range d.conns {
		c.mu.Lock()
		all += len(c.open) + len(c.waiting)
		c.mu.Unlock()
	}
	return
}

// lose remembers the first fault of a connection, unless the run is over.
func (d *driver) lose(err error) {
	if d.stopped.Load() {
		return
	}
	d.mu.Lock()
	if d.lost == nil {
		d.lost = fmt.Errorf("connection lost: %w", err)
	}
	d.mu.Unlock()
}

func (d *driver) fault() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lost
}
