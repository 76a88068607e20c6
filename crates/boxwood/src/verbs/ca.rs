//! `boxwood ca`: where the certificate authority is and how each client trusts it.

use super::Common;
use crate::output;
use boxwood_server::tls::TlsFiles;
use std::process::ExitCode;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Print the certificate itself (PEM).
    #[arg(long)]
    pem: bool,
}

/// Runs the verb; makes the authority where there is none yet.
pub fn run(common: &Common, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let config = common.load()?;
    let files = TlsFiles::open_or_make(&config.tls_dir(), chrono::Utc::now())?;
    let certificate = files.authority_certificate();
    if arguments.pem {
        output::line(std::fs::read_to_string(&certificate)?.trim_end());
        return Ok(ExitCode::SUCCESS);
    }
    let path = certificate.display();
    output::line(format_args!(
        "The certificate authority of this Boxwood (its key never leaves this machine):\n  {path}\n\n\
         Python (requests, boxsdk):   export REQUESTS_CA_BUNDLE={path}\n\
         Node (box-node-sdk):         export NODE_EXTRA_CA_CERTS={path}\n\
         curl:                        curl --cacert {path} …\n\
         Java:                        keytool -importcert -alias boxwood -file {path} -cacerts\n\
         Debian, whole machine:       sudo cp {path} /usr/local/share/ca-certificates/boxwood.crt && sudo update-ca-certificates\n\
         macOS, whole machine:        sudo security add-trusted-cert -d -k /Library/Keychains/System.keychain {path}\n\
         Windows, whole machine:      certutil -addstore Root {path}\n\n\
         Clients whose host names can't be set: let api.box.com, upload.box.com and account.box.com resolve to this\n\
         machine, port 443, and trust the authority; the server's certificate names them."
    ));
    Ok(ExitCode::SUCCESS)
}
