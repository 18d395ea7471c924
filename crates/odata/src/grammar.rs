//! The productions of OData's grammar, and what becomes of each: one table, which `docs/reference/odata.md` shows and the
//! parser's tests read.
//!
//! Source of the names: OData ABNF Construction Rules 4.01, `odata-abnf-construction-rules.txt` of oasis-tcs/odata-abnf.

/// A production, or several that stand for one thing.
#[derive(Debug, Clone, Copy)]
pub struct Production {
    /// The names of the rules.
    pub rules: &'static str,
    /// What becomes of it.
    pub support: Support,
}

/// What becomes of a production.
#[derive(Debug, Clone, Copy)]
pub enum Support {
    /// It is understood: an example, by the option that it belongs to.
    Taken(&'static str, &'static str),
    /// It is refused with a sentence that says so: an example, and words of the sentence.
    Refused(&'static str, &'static str, &'static str),
    /// No query of this kind of service holds it: why.
    OutOfScope(&'static str),
}

use Support::{OutOfScope, Refused, Taken};

const FILTER: &str = "$filter";
const PATHS: &str = "the service's own route table reads paths";
const NO_SUCH_TYPE: &str = "no property is of such a type";

const fn of(rules: &'static str, support: Support) -> Production {
    Production { rules, support }
}

/// In the order of the source.
pub static PRODUCTIONS: &[Production] = &[
    of("odataUri serviceRoot odataRelativeUri resourcePath", OutOfScope(PATHS)),
    of("collectionNavigation collectionNavPath singleNavigation propertyPath", OutOfScope(PATHS)),
    of("keyPredicate simpleKey compoundKey keyPathSegments keyPathLiteral", OutOfScope(PATHS)),
    of("primitivePath primitiveColPath complexPath complexColPath ordinalIndex", OutOfScope(PATHS)),
    of("count ref value each filterInPath crossjoin", OutOfScope(PATHS)),
    of("boundOperation boundActionCall boundFunctionCallNoParens functionParameters", OutOfScope(PATHS)),
    of("actionImportCall entityFunctionImportCall and the like", OutOfScope(PATHS)),
    of("queryOptions systemQueryOption", Taken("query", "$top=1&$skip=2")),
    of("customQueryOption", Taken("query", "custom=1")),
    of(
        "aliasAndValue parameterAlias",
        Refused(FILTER, "tokenName eq @p1", "Parameter aliases and annotations are not supported"),
    ),
    of("entityOptions entityCastOptions id", Refused("query", "$id=x", "'$id' is not supported")),
    of(
        "compute computeItem computedProperty",
        Refused("query", "$compute=1 as a", "'$compute' is not supported"),
    ),
    of("deltatoken", Refused("query", "$deltatoken=x", "'$deltatoken' is not supported")),
    of("index", Refused("query", "$index=1", "'$index' is not supported")),
    of("schemaversion", Refused("query", "$schemaversion=1", "'$schemaversion' is not supported")),
    of(
        "search searchExpr searchTerm searchPhrase searchWord",
        OutOfScope("read as text; the service refuses `$search` by its name"),
    ),
    of("expand expandItem", Taken("$expand", "enrollmentProfiles,defaultIosEnrollmentProfile")),
    of("expandPath", Taken("$expand", "*")),
    of(
        "expandOption expandRefOption expandCountOption",
        Taken("$expand", "enrollmentProfiles($filter=true;$select=id;$top=1;$expand=*)"),
    ),
    of("levels", Taken("$expand", "a($levels=max)")),
    of("filter boolCommonExpr", Taken(FILTER, "isDeleted")),
    of("orderby orderbyItem", Taken("$orderby", "tokenName desc,length(id)")),
    of("skip top", Taken("query", "$skip=1&top=2")),
    of("format", Taken("query", "$format=json")),
    of("inlinecount", Taken("query", "$count=true")),
    of("select selectItem selectProperty", Taken("$select", "id,tokenName,actor/userPrincipalName")),
    of(
        "selectOption selectOptionPC",
        Refused("$select", "roleScopeTagIds($top=1)", "not supported in '$select'"),
    ),
    of("allOperationsInSchema", Refused("$select", "microsoft.graph.*", "not supported in '$select'")),
    of("skiptoken", Taken("query", "$skiptoken=x")),
    of("context contextFragment selectList", OutOfScope("written in answers, never read")),
    of("commonExpr parenExpr", Taken(FILTER, "(id eq 'a')")),
    of("rootExpr", Refused(FILTER, "$root/a eq 1", "not supported: '$root'")),
    of(
        "firstMemberExpr memberExpr directMemberExpr propertyPathExpr",
        Taken(FILTER, "actor/userPrincipalName eq 'a'"),
    ),
    of(
        "optionallyQualifiedEntityTypeName in memberExpr",
        Taken(FILTER, "microsoft.graph.special/extra eq 1"),
    ),
    of(
        "annotationExpr annotation",
        Refused(FILTER, "@x.y eq 1", "Parameter aliases and annotations are not supported"),
    ),
    of("implicitVariableExpr $it", Taken(FILTER, "$it/id eq 'a'")),
    of("implicitVariableExpr $this", Refused(FILTER, "$this eq 'a'", "not supported: '$this'")),
    of("lambdaVariableExpr", Taken(FILTER, "resources/any(r:r/displayName eq 'a')")),
    of("collectionNavigationExpr singleNavigationExpr complexPathExpr", Taken(FILTER, "actor ne null")),
    of("count in collectionPathExpr", Taken(FILTER, "resources/$count gt 1")),
    of(
        "expandCountOption in collectionPathExpr",
        Refused(FILTER, "resources/$count($filter=true) gt 1", "'$count(…)' in a path is not supported"),
    ),
    of("functionExpr boundFunctionExpr", Refused(FILTER, "a.b(c=1)", "The function 'a.b' is not supported")),
    of("anyExpr", Taken(FILTER, "roleScopeTagIds/any()")),
    of("allExpr", Taken(FILTER, "roleScopeTagIds/all(t:t eq '0')")),
    of("concatMethodCallExpr", Taken(FILTER, "concat(id,'a') eq 'b'")),
    of("containsMethodCallExpr", Taken(FILTER, "contains(id,'a')")),
    of("endsWithMethodCallExpr", Taken(FILTER, "endswith(id,'a')")),
    of("indexOfMethodCallExpr", Taken(FILTER, "indexof(id,'a') eq 1")),
    of("lengthMethodCallExpr", Taken(FILTER, "length(id) eq 1")),
    of("startsWithMethodCallExpr", Taken(FILTER, "startswith(id,'a')")),
    of("substringMethodCallExpr", Taken(FILTER, "substring(id,1,2) eq 'a'")),
    of("toLowerMethodCallExpr toUpperMethodCallExpr", Taken(FILTER, "tolower(id) eq toupper('a')")),
    of("trimMethodCallExpr", Taken(FILTER, "trim(id) eq 'a'")),
    of("yearMethodCallExpr", Taken(FILTER, "year(activityDateTime) eq 2026")),
    of("monthMethodCallExpr", Taken(FILTER, "month(activityDateTime) eq 1")),
    of("dayMethodCallExpr", Taken(FILTER, "day(activityDateTime) eq 1")),
    of("hourMethodCallExpr", Taken(FILTER, "hour(activityDateTime) eq 1")),
    of("minuteMethodCallExpr", Taken(FILTER, "minute(activityDateTime) eq 1")),
    of("secondMethodCallExpr", Taken(FILTER, "second(activityDateTime) eq 1")),
    of("dateMethodCallExpr", Taken(FILTER, "date(activityDateTime) eq 2026-01-31")),
    of("nowMethodCallExpr", Taken(FILTER, "activityDateTime lt now()")),
    of(
        "minDateTimeMethodCallExpr maxDateTimeMethodCallExpr",
        Taken(FILTER, "activityDateTime gt mindatetime() and activityDateTime lt maxdatetime()"),
    ),
    of(
        "fractionalsecondsMethodCallExpr",
        Refused(
            FILTER,
            "fractionalseconds(activityDateTime) eq 0",
            "The function 'fractionalseconds' is not supported",
        ),
    ),
    of(
        "totalsecondsMethodCallExpr",
        Refused(FILTER, "totalseconds(a) eq 0", "The function 'totalseconds' is not supported"),
    ),
    of(
        "timeMethodCallExpr",
        Refused(FILTER, "time(activityDateTime) eq 08:00:00", "The function 'time' is not supported"),
    ),
    of(
        "totalOffsetMinutesMethodCallExpr",
        Refused(
            FILTER,
            "totaloffsetminutes(activityDateTime) eq 0",
            "The function 'totaloffsetminutes' is not supported",
        ),
    ),
    of("roundMethodCallExpr", Refused(FILTER, "round(size) eq 1", "The function 'round' is not supported")),
    of("floorMethodCallExpr", Refused(FILTER, "floor(size) eq 1", "The function 'floor' is not supported")),
    of(
        "ceilingMethodCallExpr",
        Refused(FILTER, "ceiling(size) eq 1", "The function 'ceiling' is not supported"),
    ),
    of(
        "distanceMethodCallExpr geoLengthMethodCallExpr intersectsMethodCallExpr",
        Refused(FILTER, "geo.length(a) eq 1", "The function 'geo.length' is not supported"),
    ),
    of(
        "hasSubsetMethodCallExpr hasSubsequenceMethodCallExpr",
        Refused(
            FILTER,
            "hassubset(roleScopeTagIds,roleScopeTagIds)",
            "The function 'hassubset' is not supported",
        ),
    ),
    of("listExpr inExpr", Taken(FILTER, "id in ('a','b',null)")),
    of(
        "commonExpr before and behind in",
        Refused(FILTER, "id in (description)", "in the list behind 'in' is not supported"),
    ),
    of("andExpr orExpr", Taken(FILTER, "id eq 'a' and id ne 'b' or id gt 'c'")),
    of("eqExpr neExpr ltExpr leExpr gtExpr geExpr", Taken(FILTER, "size ge 1 and size le 2 and size lt 3")),
    of(
        "hasExpr",
        Refused(FILTER, "discoverySource has 'adminImport'", "The operator 'has' is not supported"),
    ),
    of(
        "addExpr subExpr mulExpr divExpr modExpr",
        Taken(FILTER, "syncedDeviceCount add 1 mul 2 sub 3 div 4 mod 5 eq 0"),
    ),
    of("divbyExpr", Refused(FILTER, "size divby 2 eq 1", "The operator 'divby' is not supported")),
    of("negateExpr", Taken(FILTER, "-syncedDeviceCount lt 0")),
    of("notExpr", Taken(FILTER, "not isDeleted")),
    of("isofExpr", Taken(FILTER, "isof('microsoft.graph.special')")),
    of("castExpr", Refused(FILTER, "cast(id,Edm.String) eq 'a'", "The function 'cast' is not supported")),
    of("arrayOrObject and what it is made of", OutOfScope("values of parameters; no function takes one")),
    of(
        "qualifiedTypeName namespace odataIdentifier and other names",
        OutOfScope("parts of what stands above"),
    ),
    of("nullValue", Taken(FILTER, "description eq null")),
    of(
        "nullValue as an argument or a condition",
        Refused(FILTER, "tolower(null) eq 'a'", "is not supported"),
    ),
    of("booleanValue", Taken(FILTER, "isDeleted eq false")),
    of("guidValue", Taken(FILTER, "correlationId eq 01234567-89ab-cdef-0123-456789abcdef")),
    of("dateTimeOffsetValueInUrl", Taken(FILTER, "activityDateTime gt 2026-01-31T08:00:00.5+02:00")),
    of("dateValue", Taken(FILTER, "activityDateTime gt 2026-01-31")),
    of("timeOfDayValueInUrl", Refused(FILTER, "id eq 08:00:00", "cannot be compared with 08:00:00")),
    of("decimalValue doubleValue singleValue", Taken(FILTER, "size gt 2.5e1")),
    of("nanInfinity", Refused(FILTER, "size eq INF", "Numbers that are not finite are not supported")),
    of(
        "int64Value int32Value int16Value sbyteValue byteValue",
        Taken(FILTER, "size eq -9223372036854775808"),
    ),
    of("string", Taken(FILTER, "id eq 'it''s'")),
    of("duration", Refused(FILTER, "id eq duration'P1D'", "cannot be compared with duration'P1D'")),
    of("enum enumValue", Taken(FILTER, "discoverySource eq microsoft.graph.discoverySource'adminImport'")),
    of("binary", Refused(FILTER, "id eq binary'AAAA'", "cannot be compared with binary'AAAA'")),
    of("geographyPoint geometryPoint and the like", OutOfScope(NO_SUCH_TYPE)),
    of("header and what it is made of", OutOfScope("headers are read by the service")),
];

/// The table as a page in Markdown.
pub fn page() -> String {
    let mut page = String::from(
        "# The query language\n\nWhat becomes of each production of OData's grammar \
         ([ABNF 4.01](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html)) in \
         `$filter`, `$orderby`, `$select`, `$expand` and the query string. Made by `cargo xtask gen` from \
         `crates/odata/src/grammar.rs`, whose examples the tests read.\n\n\
         Text is compared without ASCII case. Null is \"unknown\" to `and`, `or` and `not`; `eq` and `ne` compare it, `gt`, \
         `ge`, `lt` and `le` are false with it, functions of it are null. Division by 0 is null. Times end at \
         9999-12-30T22:00:00.999999Z, the last that can be held: `maxdatetime()` is that one, and a later one is read as it.\n\n\
         | production | | example or reason |\n|---|---|---|\n",
    );
    for Production { rules, support } in PRODUCTIONS {
        let (word, text) = match support {
            Taken(option, example) => ("taken", shown(option, example)),
            Refused(option, example, words) => {
                ("refused", format!("{}: \"… {words} …\"", shown(option, example)))
            }
            OutOfScope(reason) => ("out of scope", (*reason).to_owned()),
        };
        page.push_str(&format!("| {rules} | {word} | {} |\n", text.replace('|', "\\|")));
    }
    page
}

fn shown(option: &str, example: &str) -> String {
    match option {
        "query" => format!("`?{example}`"),
        option => format!("`{option}={example}`"),
    }
}
