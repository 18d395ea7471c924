//! The quick start and the README as tests: their commands are typed into a shell in order, their programs saved and run.
//! Where a machine must differ from a person, the tables here say so, with the reason. A line of a table that no longer
//! matches its page fails the run, so an edit is noticed either way.

use std::path::Path;

use super::install::Packages;
use super::page::{Block, Does, blocks};
use super::sandbox::Sandbox;
use crate::run::{Result, root};

/// A page, and what running it takes.
pub(super) struct Document {
    path: &'static str,
    /// Only this section, unless the whole page is run.
    section: Option<&'static str>,
    /// Programs that run before it begins.
    running: &'static [&'static str],
    instead: &'static [Instead],
    prints: &'static [Prints],
    /// How the block begins before which both programs are stopped; after the page the folder is then empty.
    cleans_up: Option<&'static str>,
}

/// Replaces what is printed by what is typed.
struct Instead {
    printed: &'static str,
    typed: &'static str,
    #[expect(dead_code, reason = "it is there to be read here, and no line may lack it")]
    because: &'static str,
}

/// What the one block that holds a text must print, in this order.
struct Prints {
    block: &'static str,
    printed: &'static [&'static str],
}

pub(super) const QUICK_START: Document = Document {
    path: "docs/quickstart.md",
    section: None,
    running: &[],
    instead: &[
        Instead {
            printed: "cargo build --release",
            typed: "adept --version",
            because: "the program is built already, unoptimized, and on the PATH",
        },
        Instead {
            printed: "adept serve --apple-url",
            typed: "adept serve --listen 127.0.0.1:8443 --metrics-listen off --apple-url",
            because: "8443, 8080 and the port for metrics may be taken on this machine; all ports become free ones",
        },
        Instead {
            printed: "python3 -m venv venv",
            typed: "ln -s '{python}' venv",
            because: "it is made and filled already, from clients/python/requirements.txt; pip finds all there",
        },
        Instead {
            printed: "npm install @azure/identity @microsoft/microsoft-graph-client",
            typed: "ln -s '{javascript}/node_modules'",
            because: "they are installed already, from clients/javascript/package-lock.json",
        },
    ],
    prints: &[
        Prints { block: "cargo build", printed: &["adept "] },
        Prints { block: "openssl x509", printed: &["subject=", "notBefore=", "notAfter="] },
        Prints { block: "/certificate", printed: &["{\"added\":2500}", "application/pkcs7-mime"] },
        Prints { block: "base64 < token.p7m", printed: &["HTTP 204"] },
        Prints {
            block: "?\\$top=3",
            printed: &[
                "\"syncedDeviceCount\":2500",
                "\"lastSyncErrorCode\":0",
                "\"discoverySource\":\"deviceEnrollmentProgram\"",
                "\"value\":[{\"serialNumber\":\"C020",
            ],
        },
        Prints {
            block: "base64 < renewed.p7m",
            printed: &["\"lastSyncErrorCode\":1", "HTTP 204", "\"lastSyncErrorCode\":0"],
        },
        Prints { block: "venv/bin/pip", printed: &["already satisfied: msgraph-beta-sdk"] },
        Prints {
            block: "venv/bin/python onboard.py",
            printed: &["By Python 20", "7 devices, the first is "],
        },
        Prints { block: "node onboard.mjs", printed: &["By JavaScript 20", "7 devices, the first is "] },
    ],
    cleans_up: Some("rm -rf adept-data"),
};

pub(super) const README: Document = Document {
    path: "README.md",
    section: Some("Onboard a real Apple server"),
    running: &[
        "adept simulator --listen 127.0.0.1:8080",
        "adept serve --listen 127.0.0.1:8443 --metrics-listen off --apple-url http://127.0.0.1:8080",
    ],
    instead: &[
        Instead {
            printed: "adept client add my-scripts --permission DeviceManagementServiceConfig.ReadWrite.All",
            typed: "adept client add my-scripts --permission DeviceManagementServiceConfig.ReadWrite.All | tee shown",
            because: "a person reads it and types it into the next line",
        },
        Instead {
            printed: "TENANT=… CLIENT=… SECRET=…      # as printed",
            typed: "TENANT=$(awk '/^tenantId/ { print $2 }' shown)\n\
                    CLIENT=$(awk '/^clientId/ { print $2 }' shown)\n\
                    SECRET=$(awk '/^clientSecret/ { print $2 }' shown)",
            because: "a person copies it from the line before",
        },
        Instead {
            printed: "printf '{\"depToken\": \"%s\"}'",
            typed: "SIM=http://127.0.0.1:8080/_sim\n\
                    SERVER=$(curl -sS $SIM/servers -d '{\"name\": \"Headquarters\"}' |\n\
                    sed 's/.*\"server_uuid\":\"\\([^\"]*\\)\".*/\\1/')\n\
                    curl -sSf -T adept.pem $SIM/servers/$SERVER/certificate\n\
                    curl -sSf $SIM/servers/$SERVER/devices -d '{\"count\": 3}'\n\
                    curl -sSf -OJ -X POST $SIM/servers/$SERVER/token\n\
                    printf '{\"depToken\": \"%s\"}'",
            because: "step 4 and the assignment of devices are clicks at Apple",
        },
        Instead {
            printed: "graph \"$SETTING?\\$select=syncedDeviceCount,",
            typed: "until graph \"$SETTING\" | grep '\"syncedDeviceCount\":3'; do sleep 0.2; done\n\
                    graph \"$SETTING?\\$select=syncedDeviceCount,",
            because: "a person waits until the sync has ended",
        },
    ],
    prints: &[
        Prints { block: "uploadDepToken", printed: &["HTTP 204"] },
        Prints {
            block: "?\\$top=10",
            printed: &["\"syncedDeviceCount\":3,\"lastSyncErrorCode\":0", "\"serialNumber\":\"C02"],
        },
    ],
    cleans_up: None,
};

impl Document {
    /// Runs the page; returns a summary.
    pub(super) fn play(&self, adept: &Path, packages: &Packages) -> Result<String> {
        let page = std::fs::read_to_string(root().join(self.path))
            .map_err(|error| format!("Cannot read {}: {error}.", self.path))?;
        let blocks = blocks(&page, self.section).map_err(|error| format!("{}: {error}", self.path))?;
        self.fits(&blocks)?;
        let name = self.path.replace(['/', '.'], "-");
        let mut sandbox = Sandbox::new(&name, adept)?;
        for program in self.running {
            sandbox.open_terminal(program)?;
        }
        let mut shell = sandbox.shell()?;
        for block in &blocks {
            let stands = |error: String| format!("{}, line {}: {error}", self.path, block.line);
            let text = sandbox.with_ports(&self.typed(&block.text, packages));
            if self.cleans_up.is_some_and(|begin| text.starts_with(begin)) {
                sandbox.close_terminals();
            }
            if let Does::Save(name) = &block.does {
                std::fs::write(sandbox.folder.join(name), text)
                    .map_err(|error| stands(format!("{name}: {error}.")))?;
            } else if Sandbox::wants_terminal(&text) {
                sandbox.open_terminal(&text).map_err(stands)?;
            } else {
                let printed = shell.run(&text).map_err(|error| stands(error + &sandbox.logs()))?;
                self.check(block, &printed).map_err(|error| stands(error + &sandbox.logs()))?;
            }
        }
        if self.cleans_up.is_some() {
            self.nothing_is_left(&sandbox.folder)?;
        }
        Ok(format!("{} blocks of {} did as it says", blocks.len(), self.path))
    }

    /// Every line of the tables fits one place of the page.
    fn fits(&self, blocks: &[Block]) -> Result {
        let once = |text: &str| match blocks.iter().map(|block| block.text.matches(text).count()).sum() {
            1 => Ok(()),
            count => Err(format!(
                "{} holds `{text}` {count} times and not once, as xtask/src/clients/documents.rs wants it.",
                self.path
            )),
        };
        self.instead.iter().try_for_each(|instead| once(instead.printed))?;
        for prints in self.prints {
            let holding = |block: &&Block| block.does == Does::Run && block.text.contains(prints.block);
            if blocks.iter().filter(holding).count() != 1 {
                return Err(format!("{} has not one block that holds `{}`.", self.path, prints.block));
            }
        }
        self.cleans_up.map_or(Ok(()), once)
    }

    fn typed(&self, text: &str, packages: &Packages) -> String {
        let [python, javascript] =
            [&packages.python, &packages.javascript].map(|path| path.to_string_lossy());
        self.instead.iter().fold(text.to_owned(), |text, instead| {
            let typed = instead.typed.replace("{python}", &python).replace("{javascript}", &javascript);
            text.replace(instead.printed, &typed)
        })
    }

    /// A block printed what it must, and nothing was refused.
    fn check(&self, block: &Block, printed: &str) -> Result {
        if printed.contains("\"error\":") {
            return Err(format!("Something was refused:\n{printed}"));
        }
        for prints in self.prints.iter().filter(|prints| block.text.contains(prints.block)) {
            let mut rest = printed;
            for expected in prints.printed {
                match rest.split_once(expected) {
                    Some((_, after)) => rest = after,
                    None => return Err(format!("`{expected}` was not printed (in its place):\n{printed}")),
                }
            }
        }
        Ok(())
    }

    fn nothing_is_left(&self, folder: &Path) -> Result {
        let entries =
            std::fs::read_dir(folder).map_err(|error| format!("Cannot read the folder: {error}."))?;
        let left: Vec<_> =
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        match left.as_slice() {
            [] => Ok(()),
            left => Err(format!("{} leaves behind: {}.", self.path, left.join(", "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> Block {
        Block { line: 1, text: text.to_owned(), does: Does::Run }
    }

    const PAGE: Document = Document {
        path: "a.md",
        section: None,
        running: &[],
        instead: &[Instead { printed: "make", typed: "true", because: "it is made" }],
        prints: &[Prints { block: "ask", printed: &["one", "two"] }],
        cleans_up: None,
    };

    #[test]
    fn an_edit_that_leaves_a_line_of_a_table_behind_is_noticed() {
        assert_eq!(PAGE.fits(&[run("make it"), run("ask")]), Ok(()));
        assert!(PAGE.fits(&[run("build it"), run("ask")]).is_err());
        assert!(PAGE.fits(&[run("make it"), run("beg")]).is_err());
        assert!(PAGE.fits(&[run("make it; make it"), run("ask")]).is_err());
    }

    #[test]
    fn what_is_not_printed_or_refused_is_noticed() {
        assert_eq!(PAGE.check(&run("ask"), "one, two"), Ok(()));
        assert_eq!(PAGE.check(&run("other"), ""), Ok(()));
        assert!(PAGE.check(&run("ask"), "two, one").is_err());
        assert!(PAGE.check(&run("other"), "{\"error\":{}}").is_err());
    }

    #[test]
    fn the_tables_fit_their_pages() {
        for document in [QUICK_START, README] {
            let page = std::fs::read_to_string(root().join(document.path)).unwrap();
            assert_eq!(document.fits(&blocks(&page, document.section).unwrap()), Ok(()));
        }
    }
}
