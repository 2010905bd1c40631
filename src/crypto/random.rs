use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::Rng;
use secrecy::SecretString;

/// `N` bytes from the operating system's generator.
#[must_use]
#[allow(clippy::disallowed_methods)] // this is the one place
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

/// A secret with 256 bits of entropy, as 43 characters of unpadded base64url: a client secret, an invitation token, a
/// PKCE code verifier (RFC 7636, section 4.1).
#[must_use]
pub fn random_token() -> SecretString {
    URL_SAFE_NO_PAD.encode(random_bytes::<32>()).into()
}
