//! A certificate authority for this machine alone: its certificates can name localhost and nothing else.

use std::fmt;
use std::fs;
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use time::{Duration, OffsetDateTime};
use tokio_rustls::TlsAcceptor;

/// What every certificate may name.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
const CA_FILE: &str = "ca.pem";
const KEY_FILE: &str = "ca-key.pem";
const NAMES_FILE: &str = "ca-names.txt";

/// A name-constrained certificate authority.
pub struct Authority {
    certificate: String,
    key: KeyPair,
    names: Vec<String>,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("names", &self.names).finish_non_exhaustive()
    }
}

/// A server certificate and its key.
#[derive(Clone)]
pub struct Leaf {
    /// The certificate and nothing else of its chain, PEM.
    pub cert_pem: String,
    /// PKCS#8 PEM.
    pub key_pem: String,
}

impl fmt::Debug for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Leaf(…)")
    }
}

/// A certificate that could not be made, kept or read.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file of the state folder.
    #[error("{}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
    /// A certificate or key that does not parse, or cannot be made.
    #[error("certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// A certificate or key that the TLS library refuses.
    #[error("TLS: {0}")]
    Refused(#[from] rustls::Error),
    /// Text that is not PEM.
    #[error("PEM: {0}")]
    Pem(#[from] rustls_pki_types::pem::Error),
    /// A name outside the authority's constraints.
    #[error("{0:?} is not among the names this certificate authority is constrained to")]
    Name(String),
}

impl Authority {
    /// The authority kept in `dir` (`ca.pem`, and `ca-key.pem` for its owner's eyes only), made there if it is missing.
    pub fn load_or_create(dir: &Path) -> Result<Self, TlsError> {
        Self::load_or_create_for(dir, &[])
    }

    /// The same, for further host names. An authority that is not allowed to name them is replaced.
    pub fn load_or_create_for(dir: &Path, further: &[&str]) -> Result<Self, TlsError> {
        let [certificate, key, names] = [CA_FILE, KEY_FILE, NAMES_FILE].map(|file| dir.join(file));
        if certificate.exists() && key.exists() && names.exists() {
            let kept = Self {
                certificate: read(&certificate)?,
                key: KeyPair::from_pem(&read(&key)?)?,
                names: read(&names)?.lines().map(str::to_owned).collect(),
            };
            if further.iter().all(|name| kept.may_name(name)) && kept.issuer().is_ok() {
                return Ok(kept);
            }
        }
        let made = Self::new(further)?;
        fs::create_dir_all(dir).map_err(|source| TlsError::File { path: dir.to_owned(), source })?;
        // The key first: whoever finds the certificate finds the key that fits.
        write_private(&key, &made.key.serialize_pem())?;
        write(&names, &made.names.join("\n"))?;
        write(&certificate, &made.certificate)?;
        Ok(made)
    }

    /// An authority that ends with the process.
    pub fn in_memory() -> Result<Self, TlsError> {
        Self::new(&[])
    }

    fn new(further: &[&str]) -> Result<Self, TlsError> {
        let names: Vec<_> = LOOPBACK.iter().chain(further).map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(Vec::new())?;
        let mut name = DistinguishedName::new();
        name.push(DnType::CommonName, "offline365 local test CA");
        params.distinguished_name = name;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: names.iter().map(|name| subtree(name)).collect(),
            excluded_subtrees: Vec::new(),
        });
        params.not_before = machine_time() - Duration::days(1);
        params.not_after = machine_time() + Duration::days(3650);
        let key = KeyPair::generate()?;
        Ok(Self { certificate: params.self_signed(&key)?.pem(), key, names })
    }

    /// The authority's certificate, PEM: what clients must trust.
    pub fn ca_pem(&self) -> &str {
        &self.certificate
    }

    /// A server certificate for these host names and addresses, with a fresh key.
    pub fn leaf(&self, names: &[&str]) -> Result<Leaf, TlsError> {
        if let Some(name) = names.iter().find(|name| !self.may_name(name)) {
            return Err(TlsError::Name((*name).to_owned()));
        }
        let mut params = CertificateParams::new(names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())?;
        let mut subject = DistinguishedName::new();
        subject.push(DnType::CommonName, "offline365 local test server");
        params.distinguished_name = subject;
        params.use_authority_key_identifier_extension = true;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.not_before = machine_time() - Duration::days(1);
        params.not_after = machine_time() + Duration::days(396);
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer()?)?;
        Ok(Leaf { cert_pem: certificate.pem(), key_pem: key.serialize_pem() })
    }

    fn issuer(&self) -> Result<Issuer<'static, &KeyPair>, TlsError> {
        Ok(Issuer::from_ca_cert_pem(&self.certificate, &self.key)?)
    }

    fn may_name(&self, name: &str) -> bool {
        self.names.iter().any(|own| own == name)
    }
}

impl Leaf {
    pub(crate) fn acceptor(&self) -> Result<TlsAcceptor, TlsError> {
        let chain = CertificateDer::pem_slice_iter(self.cert_pem.as_bytes()).collect::<Result<Vec<_>, _>>()?;
        let key = PrivateKeyDer::from_pem_slice(self.key_pem.as_bytes())?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

fn subtree(name: &str) -> GeneralSubtree {
    match name.parse::<IpAddr>() {
        Ok(address @ IpAddr::V4(_)) => GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(address, 32)),
        Ok(address @ IpAddr::V6(_)) => GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(address, 128)),
        Err(_) => GeneralSubtree::DnsName(name.to_owned()),
    }
}

/// Certificates live in the machine's time whatever the world's clock says: the TLS libraries of clients ask their own.
fn machine_time() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(crate::clock::machine_time().as_second()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn read(path: &Path) -> Result<String, TlsError> {
    fs::read_to_string(path).map_err(|source| TlsError::File { path: path.to_owned(), source })
}

fn write(path: &Path, text: &str) -> Result<(), TlsError> {
    fs::write(path, text).map_err(|source| TlsError::File { path: path.to_owned(), source })
}

fn write_private(path: &Path, text: &str) -> Result<(), TlsError> {
    let file = |source| TlsError::File { path: path.to_owned(), source };
    // Made anew, so that an older file's wider permissions are not inherited.
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(file(source)),
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path).and_then(|mut open| open.write_all(text.as_bytes())).map_err(file)
}
