package main

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/rand"
	"strings"
)

const (
	secret   = "bench-only-secret-0123456789abcdef-bench-only"
	issuer   = "https://id.example.com"
	audience = "https://api.example.com"
	keyHS    = "hs1"
	keyEd    = "ed1"
)

var (
	seed       = sha256.Sum256([]byte("bench-only-ed25519-seed"))
	privateKey = ed25519.NewKeyFromSeed(seed[:])
	publicKey  = privateKey.Public().(ed25519.PublicKey)
)

type claims struct {
	Issuer       string `json:"iss"`
	Audience     string `json:"aud"`
	Subject      string `json:"sub"`
	Organization string `json:"organizationId"`
	Role         string `json:"orgRole"`
	IssuedAt     int64  `json:"iat"`
	Expires      int64  `json:"exp"`
}

const idCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// id as Better Auth makes them: 32 letters and digits.
func id(r *rand.Rand) string {
	b := make([]byte, 32)
	for i := range b {
		b[i] = idCharacters[r.Intn(len(idCharacters))]
	}
	return string(b)
}

// someone new, staff of an organization of its own. The token is a day old: its claims alone open
// nothing, since what PostgreSQL holds is newer.
func (g *generator) someone(r *rand.Rand) claims {
	return claims{
		issuer, audience, id(r), id(r), "staff",
		g.day.AddDate(0, 0, -1).Unix(), g.day.AddDate(1, 0, 0).Unix(),
	}
}

func (g *generator) people(r *rand.Rand, n int) (all []claims) {
	for range n {
		all = append(all, g.someone(r))
	}
	return
}

func unsigned(header string, c claims) string {
	payload, err := json.Marshal(c)
	must(err)
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(header)) + "." + encode(payload)
}

func hs256(c claims) string {
	token := unsigned(`{"alg":"HS256","typ":"JWT","kid":"`+keyHS+`"}`, c)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(token))
	return token + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func eddsa(c claims) string {
	token := unsigned(`{"alg":"EdDSA","typ":"JWT","kid":"`+keyEd+`"}`, c)
	return token + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(privateKey, []byte(token)))
}

// forged has one character of the signature changed.
func forged(token string) string {
	at := len(token) - 20
	other := "A"
	if token[at] == 'A' {
		other = "B"
	}
	return token[:at] + other + token[at+1:]
}

func unsecured(token string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + strings.Split(token, ".")[1] + "."
}
