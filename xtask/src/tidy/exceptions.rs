//! The one list of places where a rule does not hold, each with its reason. An exception that nothing needs any more
//! is itself a finding.

use super::Finding;

struct Exception {
    rule: &'static str,
    path: &'static str,
    reason: &'static str,
}

const EXCEPTIONS: &[Exception] = &[];

/// Takes out what is excepted, and adds the exceptions that fit nothing.
pub(super) fn apply(findings: Vec<Finding>) -> Vec<Finding> {
    except(EXCEPTIONS, findings)
}

fn except(exceptions: &[Exception], findings: Vec<Finding>) -> Vec<Finding> {
    let fits = |exception: &Exception, finding: &Finding| {
        exception.rule == finding.rule && exception.path == finding.path && !exception.reason.is_empty()
    };
    let unused =
        exceptions.iter().filter(|exception| !findings.iter().any(|finding| fits(exception, finding)));
    let stale: Vec<Finding> = unused
        .map(|exception| {
            let sentence = format!(
                "the exception from `{}` for {} fits nothing any more (or gives no reason); take it out of \
                 xtask/src/tidy/exceptions.rs",
                exception.rule, exception.path
            );
            Finding::new("exceptions", "xtask/src/tidy/exceptions.rs", 0, sentence)
        })
        .collect();
    let kept =
        findings.into_iter().filter(|finding| !exceptions.iter().any(|exception| fits(exception, finding)));
    kept.chain(stale).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_hides_its_finding_and_a_stale_one_is_found() {
        let exceptions = [
            Exception { rule: "length", path: "a.rs", reason: "a table" },
            Exception { rule: "length", path: "b.rs", reason: "a table" },
        ];
        let left = except(&exceptions, vec![Finding::new("length", "a.rs", 0, "long")]);
        assert_eq!(left.len(), 1);
        assert!(left[0].sentence.contains("b.rs"));
    }
}
