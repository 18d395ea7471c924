//! The issuer's HTTP as official clients use it, over TLS. What the clients send was recorded from them: azure-identity
//! 1.27 with msal 1.39 (Python), @azure/identity 4.13 with msal-node 5.6 (Node).

mod discovery;
mod token;
