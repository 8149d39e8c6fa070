//! An authority that vouches for servers: certificates made for one test, and clients that trust nobody else.
#![allow(dead_code)]

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tempfile::TempDir;

/// An authority and the folder with its files.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

/// The two files of a server.
pub struct Identity {
    /// The PEM file of its certificate.
    pub certificate: PathBuf,
    /// The PEM file of its key.
    pub key: PathBuf,
    /// The certificate itself.
    pub der: CertificateDer<'static>,
}

impl Authority {
    /// A new one, whom nobody knows yet.
    pub fn new() -> Authority {
        let mut params = CertificateParams::default();
        // Authorities of one name could be taken for one another.
        params.distinguished_name.push(DnType::CommonName, format!("authority {:016x}", fastrand::u64(..)));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key can be made");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("an authority can be made");
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        fs::write(folder.path().join("ca.pem"), issuer.as_ref().pem()).expect("the temporary folder is writable");
        Authority { issuer, folder }
    }

    /// The PEM file with its own certificate.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Makes `NAME.pem` and `NAME.key` for a server with these hosts, in place of what was there.
    pub fn issue(&self, name: &str, hosts: &[&str]) -> Identity {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key can be made");
        let mut params = CertificateParams::new(hosts).expect("these are hosts");
        params.not_after = rcgen::date_time_ymd(2100, 1, 1);
        let certificate = params.signed_by(&key, &self.issuer).expect("an authority can sign");
        let path = |end: &str| self.folder.path().join(format!("{name}.{end}"));
        let identity = Identity { certificate: path("pem"), key: path("key"), der: certificate.der().clone() };
        fs::write(&identity.certificate, certificate.pem()).expect("the temporary folder is writable");
        fs::write(&identity.key, key.serialize_pem()).expect("the temporary folder is writable");
        identity
    }

    /// How a client speaks TLS that trusts this authority alone and names these protocols.
    pub fn client(&self, protocols: &[&str]) -> Arc<ClientConfig> {
        self.client_of(rustls::DEFAULT_VERSIONS, protocols)
    }

    /// The same for certain versions of TLS.
    pub fn client_of(&self, versions: &[&'static SupportedProtocolVersion], protocols: &[&str]) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.as_ref().der().clone()).expect("an authority can be trusted");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions);
        let mut config = builder.expect("these versions are there").with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        Arc::new(config)
    }
}
