package main

import (
	"encoding/binary"
	"flag"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"time"
)

// phase is a part of an open loop.
type phase struct {
	perSecond float64
	lasts     time.Duration
}

// besides are requests of another kind that come in an open loop of their own, over the same
// connections, and are counted apart.
type besides struct {
	messages  [][]byte
	perSecond float64
}

type options struct {
	addrs    []string
	messages [][]byte
	conns    int
	streams  int
	phases   []phase
	warm     time.Duration
	duration time.Duration
	count    int
	from     int
	beside   besides
	timeout  time.Duration
	bucket   time.Duration
	pids     []int
	expect   string
	client   bool
	once     bool
	wait     time.Duration
}

// length of the measured part of an open loop.
func (o options) length() (all time.Duration) {
	for _, p := range o.phases {
		all += p.lasts
	}
	return
}

func parse() (o options) {
	addr := flag.String("addr", "127.0.0.1:9191", "servers, comma-separated; connections go round them")
	file := flag.String("payload", "", "file of CheckRequests, each after its length (4 bytes, big-endian)")
	open := flag.String("open", "", "open loop: RATExDURATION, comma-separated; the warm-up is as the first")
	beside := flag.String("beside", "", "open loop: RATE:FILE, requests that come beside, counted apart")
	pids := flag.String("pid", "", "processes whose CPU time and memory are read, comma-separated")
	flag.IntVar(&o.conns, "conns", 2, "connections")
	flag.IntVar(&o.streams, "streams", 32, "closed loop: streams of each connection")
	flag.DurationVar(&o.warm, "warm", 2*time.Second, "before anything is counted")
	flag.DurationVar(&o.duration, "d", 4*time.Second, "closed loop: how long")
	flag.IntVar(&o.count, "count", 0, "closed loop: so many requests instead, all counted")
	flag.IntVar(&o.from, "from", 0, "the first request of the file to be sent")
	flag.DurationVar(&o.timeout, "timeout", 250*time.Millisecond, "grpc-timeout; an open loop also cancels what is older")
	flag.DurationVar(&o.bucket, "bucket", 0, "open loop: also tell what became of each so long")
	flag.StringVar(&o.expect, "expect", "", "allow or deny: the other verdict fails the run")
	flag.BoolVar(&o.client, "client", false, "send the HTTP requests that the CheckRequests tell of, to an Envoy")
	flag.BoolVar(&o.once, "once", false, "wait until the server answers a first request as expected, end")
	flag.DurationVar(&o.wait, "wait", 30*time.Second, "with -once: how long to wait")
	flag.Parse()
	o.addrs = strings.Split(*addr, ",")
	var err error
	if o.messages, err = load(*file); err == nil && *open != "" {
		o.phases, err = parsePhases(*open)
	}
	if rate, name, ok := strings.Cut(*beside, ":"); ok && err == nil {
		if o.beside.perSecond, err = strconv.ParseFloat(rate, 64); err == nil {
			o.beside.messages, err = load(name)
		}
	}
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range strings.Split(*pids, ",") {
		if n, err := strconv.Atoi(s); err == nil {
			o.pids = append(o.pids, n)
		}
	}
	return
}

func parsePhases(text string) (all []phase, err error) {
	for _, part := range strings.Split(text, ",") {
		rate, lasts, ok := strings.Cut(part, "x")
		p := phase{}
		if p.perSecond, err = strconv.ParseFloat(rate, 64); err != nil || !ok || p.perSecond <= 0 {
			return nil, fmt.Errorf("not RATExDURATION: %q", part)
		}
		if p.lasts, err = time.ParseDuration(lasts); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return
}

func load(name string) (all [][]byte, err error) {
	b, err := os.ReadFile(name)
	for err == nil && len(b) >= 4 {
		n := binary.BigEndian.Uint32(b)
		if uint64(n) > uint64(len(b)-4) {
			return nil, fmt.Errorf("%s is cut off", name)
		}
		all, b = append(all, b[4:4+n]), b[4+n:]
	}
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("%s holds no request", name)
	}
	return
}
