//! `adept token`: what is inside a server token's file. Apple is not called, and no secret is printed.

use std::{fs, path::PathBuf};

use adept_apple::{
    certificate::{Certificate, CertificateId, RecipientId},
    key_pair::PrivateKey,
    secret::Secret,
    token::{SealedToken, ServerToken, TokenError},
};
use clap::{Args, Subcommand};
use zeroize::Zeroizing;

use super::{Exit, Failure, say};
use crate::app::Clock;

/// What to do with server tokens.
#[derive(Subcommand)]
pub enum Token {
    /// Show what is inside a server token, secrets masked
    Open(Open),
}

/// Flags of `adept token open`.
#[derive(Args)]
pub struct Open {
    /// The file that Apple's portal downloads (…_smime.p7m)
    file: PathBuf,
    /// Private key (PEM) of the certificate that the token is sealed to
    #[arg(long, env = "ADEPT_TOKEN_KEY", value_name = "FILE")]
    key: PathBuf,
    /// That certificate (PEM); without it the key is tried for every certificate that the token names
    #[arg(long, env = "ADEPT_TOKEN_CERT", value_name = "FILE")]
    cert: Option<PathBuf>,
}

pub(super) fn run(command: Token) -> Result<(), Failure> {
    let Token::Open(flags) = command;
    let file = read(&flags.file)?;
    let key_text = read(&flags.key)?;
    let key_text = std::str::from_utf8(&key_text).map_err(|_| unfit(&flags.key, "no PEM private key"))?;
    let key = PrivateKey::from_pem(key_text).map_err(|error| unfit(&flags.key, error))?;
    let sealed = SealedToken::read(&file).map_err(Failure::failed)?;
    let recipients = sealed.recipients();
    let candidates = match &flags.cert {
        Some(path) => vec![certificate(path)?.id()],
        None => recipients.iter().map(any_certificate).collect(),
    };
    let token = open(&sealed, &candidates, &key).map_err(|error| match error {
        TokenError::WrongRecipient { .. } => Failure::new(Exit::Refused, error),
        other => Failure::failed(other),
    })?;
    describe(&token, &recipients);
    Ok(())
}

fn read(path: &PathBuf) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let read = fs::read(path).map(Zeroizing::new);
    read.map_err(|error| Failure::new(Exit::NotFound, format!("{}: {error}", path.display())))
}

fn unfit(path: &std::path::Path, error: impl std::fmt::Display) -> Failure {
    Failure::failed(format!("{}: {error}", path.display()))
}

fn certificate(path: &PathBuf) -> Result<Certificate, Failure> {
    let text = read(path)?;
    let text = std::str::from_utf8(&text).map_err(|_| unfit(path, "no PEM certificate"))?;
    Certificate::from_pem(text).map_err(|error| unfit(path, error))
}

/// The certificate that a recipient names, as far as it names it.
fn any_certificate(recipient: &RecipientId) -> CertificateId {
    match recipient.clone() {
        RecipientId::IssuerAndSerial { issuer, serial } => {
            CertificateId { issuer, serial, subject_key_id: None, key_digests: Vec::new() }
        }
        RecipientId::SubjectKeyId(id) => CertificateId {
            issuer: Vec::new(),
            serial: Vec::new(),
            subject_key_id: Some(id),
            key_digests: Vec::new(),
        },
    }
}

fn open(
    sealed: &SealedToken,
    candidates: &[CertificateId],
    key: &PrivateKey,
) -> Result<ServerToken, TokenError> {
    let mut refused = TokenError::WrongRecipient { wanted: sealed.recipients() };
    for certificate in candidates {
        match sealed.open(certificate, key) {
            Ok(token) => return Ok(token),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

fn describe(token: &ServerToken, recipients: &[RecipientId]) {
    for recipient in recipients {
        say(format_args!("sealed to            {recipient}"));
    }
    say(format_args!("consumer_key         {}", masked(&token.consumer_key)));
    say(format_args!("consumer_secret      {}", masked(&token.consumer_secret)));
    say(format_args!("access_token         {}", masked(&token.access_token)));
    say(format_args!("access_secret        {}", masked(&token.access_secret)));
    let end = token.access_token_expiry;
    let days = end.duration_since(Clock::system().now()).as_secs().div_euclid(86_400);
    let rest = if days < 0 { "it has expired".to_owned() } else { format!("{days} days left") };
    say(format_args!("access_token_expiry  {end} ({rest})"));
}

/// Enough to tell two tokens apart by eye, too little to use one.
fn masked(secret: &Secret) -> String {
    let text = secret.expose();
    let shown: String = text.chars().take(if text.len() >= 16 { 4 } else { 0 }).collect();
    format!("{shown}… ({} characters)", text.chars().count())
}
