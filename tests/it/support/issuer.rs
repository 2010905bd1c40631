//! An issuer of assertions: keys, a small server that publishes them, and signatures good and bad.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use p256::SecretKey;
use p256::elliptic_curve::sec1::ToSec1Point;
use p256::pkcs8::EncodePrivateKey;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const RSA_KEY: &[u8] = include_bytes!("issuer_rsa.pem");

/// A key pair of the issuer.
pub struct IssuerKeyPair {
    pub kid: String,
    pub jwk: Value,
    algorithm: Algorithm,
    encoding: EncodingKey,
}

impl IssuerKeyPair {
    pub fn new(kid: &str) -> Self {
        let secret = SecretKey::from_slice(&msi_actions::crypto::random_bytes::<32>()).unwrap();
        let point = secret.public_key().to_sec1_point(false);
        let part = |bytes: Option<&p256::FieldBytes>| URL_SAFE_NO_PAD.encode(bytes.unwrap());
        let jwk = json!({ "kty": "EC", "crv": "P-256", "kid": kid, "x": part(point.x()), "y": part(point.y()) });
        Self {
            kid: kid.to_owned(),
            jwk,
            algorithm: Algorithm::ES256,
            encoding: EncodingKey::from_ec_der(secret.to_pkcs8_der().unwrap().as_bytes()),
        }
    }

    /// An RSA key: the one beside this file, for making one takes long.
    pub fn rsa(kid: &str) -> Self {
        let encoding = EncodingKey::from_rsa_pem(RSA_KEY).unwrap();
        let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&encoding, Algorithm::RS256).unwrap()).unwrap();
        jwk["kid"] = json!(kid);
        Self { kid: kid.to_owned(), jwk, algorithm: Algorithm::RS256, encoding }
    }

    /// Signs claims, naming `kid`.
    pub fn sign_as(&self, kid: &str, claims: &Value) -> String {
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(self.algorithm) };
        jsonwebtoken::encode(&header, claims, &self.encoding).unwrap()
    }

    pub fn sign(&self, claims: &Value) -> String {
        self.sign_as(&self.kid, claims)
    }
}

/// A server that publishes what it is told to.
pub struct IssuerServer {
    pub jwks_uri: String,
    published: Arc<Mutex<Option<Value>>>,
    fetches: Arc<AtomicUsize>,
}

impl IssuerServer {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let jwks_uri = format!("http://{}/jwks.json", listener.local_addr().unwrap());
        let published = Arc::new(Mutex::new(None));
        let fetches = Arc::new(AtomicUsize::new(0));
        let (shown, counted) = (published.clone(), fetches.clone());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = [0; 4096];
                let _ = stream.read(&mut head).await;
                counted.fetch_add(1, Ordering::SeqCst);
                let body: Option<Value> = shown.lock().unwrap().clone();
                let (status, text) = body.map_or(("503 Unavailable", String::new()), |body| ("200 OK", body.to_string()));
                let answer = format!(
                    "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
                    text.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { jwks_uri, published, fetches }
    }

    /// Publishes these keys from now on.
    pub fn publish(&self, keys: &[&Value]) {
        *self.published.lock().unwrap() = Some(json!({ "keys": keys }));
    }

    /// Answers with an error from now on.
    pub fn fail(&self) {
        *self.published.lock().unwrap() = None;
    }

    pub fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}
