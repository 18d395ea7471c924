//! `$orderby` and `$select`.

use adept_odata::{OrderBy, Select, parse_orderby, parse_select};

use crate::fixture::{Field, Fixture, NOW};

fn order(text: &str) -> Result<Vec<(String, bool)>, String> {
    let criteria = parse_orderby(text, &Fixture, NOW).map_err(|error| error.to_string())?;
    Ok(criteria.into_iter().map(|OrderBy { by, descending, .. }| (by.to_string(), descending)).collect())
}

#[test]
fn directions_are_optional_and_in_any_case() {
    assert_eq!(order("activityDateTime desc").unwrap(), [("activityDateTime".to_owned(), true)]);
    assert_eq!(
        order(" ID , tokenname ASC,actor/userPrincipalName DESC ").unwrap(),
        [("id", false), ("tokenName", false), ("actor/userPrincipalName", true)]
            .map(|(path, descending)| (path.to_owned(), descending))
    );
}

#[test]
fn an_order_names_each_primitive_property_once_and_at_most_eight() {
    assert_eq!(order("id,ID desc").unwrap_err(), "'ID' is given more than once.");
    // Whole criteria are compared, and shortened only where they are shown.
    let long = |end: &str| format!("concat(tokenName,'{}{end}')", "x".repeat(100));
    assert_eq!(order(&format!("{},{}", long("a"), long("b"))).unwrap().len(), 2);
    let twice = order(&format!("{},{}", long("a"), long("A"))).unwrap_err();
    assert!(twice.starts_with("'concat(tokenName,'xxx") && twice.len() < 150, "{twice}");
    let nine =
        "id,size,tokenName,isDeleted,isSupervised,description,serialNumber,syncedDeviceCount,correlationId";
    assert!(order(nine.rsplit_once(',').unwrap().0).is_ok());
    assert_eq!(
        order(nine).unwrap_err(),
        "The query has too many properties in '$orderby': at most 8 are accepted."
    );
    for unordered in ["resources", "actor", "roleScopeTagIds"] {
        assert!(order(unordered).unwrap_err().contains("cannot be sorted by"), "{unordered}");
    }
    assert!(order("resources/displayName").unwrap_err().starts_with("'resources' is a collection"));
}

#[test]
fn an_order_may_be_calculated() {
    let expected = [
        ("length(tokenName)", true),
        ("resources/$count", false),
        ("microsoft.graph.special/extra", true),
        ("size mod 10 add 1", false),
    ];
    let text =
        "LENGTH(TokenName) desc, resources/$count,microsoft.graph.special/extra desc,size mod 10 add 1 asc";
    assert_eq!(order(text).unwrap(), expected.map(|(by, descending)| (by.to_owned(), descending)));
    // Text has no case to order by.
    assert_eq!(order("id,toupper(ID) desc").unwrap(), [("id".to_owned(), false)]);
}

#[test]
fn a_broken_order_is_refused() {
    for broken in ["", "id descending", "id,", ",id", "id desc asc", "'id'", "id desc)", "*"] {
        assert!(order(broken).unwrap_err().starts_with("Syntax error"), "{broken}");
    }
    assert!(order("nope").unwrap_err().starts_with("Could not find a property named 'nope'"));
}

#[test]
fn a_selection_is_a_list_of_properties_or_everything() {
    let fields = |names: &[&'static str]| Select::Fields(names.iter().copied().map(Field).collect());
    assert_eq!(parse_select("id,TOKENNAME, id", &Fixture).unwrap(), fields(&["id", "tokenName"]));
    assert_eq!(
        parse_select("actor,actor/userPrincipalName,resources/resourceId", &Fixture).unwrap(),
        fields(&["actor", "actor/userPrincipalName", "resources/resourceId"])
    );
    assert_eq!(parse_select("*", &Fixture).unwrap(), Select::All);
    assert_eq!(parse_select("id,*", &Fixture).unwrap(), Select::All);
}

#[test]
fn a_broken_selection_is_refused() {
    for broken in ["", "id,", "id tokenName", "id/", "'id'", "*id"] {
        assert!(
            parse_select(broken, &Fixture).unwrap_err().to_string().starts_with("Syntax error"),
            "{broken}"
        );
    }
    let many = "id,".repeat(200) + "id";
    assert!(parse_select(&many, &Fixture).unwrap_err().to_string().contains("at most 200"));
}
