//! OWASP ASVS 5.0, level 2, a line for each chapter. Requirement numbers are not cited; the tests
//! are, by file and name, and `tests/it/negative_security.rs` sees that each of them is there.

/// A chapter, and how its requirements are met.
pub struct Chapter {
    /// Such as `V1`.
    pub number: &'static str,
    /// As the standard has it.
    pub name: &'static str,
    /// What meets it; or why it does not apply.
    pub met_by: &'static str,
    /// Tests of `tests/it`, each by its file and its function.
    pub tested_by: &'static [&'static str],
    /// Where the product does otherwise; empty for nowhere.
    pub deviation: &'static str,
}

/// Every chapter, in the order of the standard.
pub const CHAPTERS: [Chapter; 17] = [
    Chapter {
        number: "V1",
        name: "Encoding and Sanitization",
        met_by: "Templates escape; every statement is checked when the program is built and binds its \
                 values; text that a spreadsheet would take for a formula is neutralised in CSV and \
                 never a formula in a workbook; names in headers are letters, digits, dots and dashes.",
        tested_by: &[
            "negative_input::hostile_text_in_any_parameter_finds_nothing_and_changes_nothing",
            "negative_files::no_stored_text_becomes_markup",
            "negative_files::no_label_becomes_a_formula",
            "negative_files::no_text_breaks_out_of_a_header",
        ],
        deviation: "",
    },
    Chapter {
        number: "V2",
        name: "Validation and Business Logic",
        met_by: "Values are parsed into types at the edge; an unknown parameter, field or member is \
                 refused; a file is stored whole or not at all; limits bound what a request costs.",
        tested_by: &[
            "openapi::every_operation_is_described_in_full",
            "schemathesis::every_role_gets_what_is_described",
            "uploads::every_bad_file_is_refused_at_its_cell_and_leaves_nothing_but_its_entry",
            "negative_files::parameters_are_counted",
        ],
        deviation: "",
    },
    Chapter {
        number: "V3",
        name: "Web Frontend Security",
        met_by: "A content security policy without inline script or style and without other hosts; \
                 HSTS; a token against forgery and a check of the origin on every change; cookies \
                 HttpOnly, SameSite and, behind TLS, Secure and bound to the host.",
        tested_by: &[
            "browser_protection::every_answer_tells_browsers_what_it_may_do",
            "negative_routes::no_change_is_taken_from_a_forged_form",
            "negative_input::get_changes_nothing_where_something_can_be_changed",
            "browser_protection::behind_tls_a_cookie_is_bound_to_this_host",
        ],
        deviation: "",
    },
    Chapter {
        number: "V4",
        name: "API and Web Service",
        met_by: "One described interface; methods, content types and lengths are checked; errors are \
                 problem documents; whoever sends two credentials is refused.",
        tested_by: &[
            "schemathesis::every_role_gets_what_is_described",
            "browser_protection::limits_are_problems",
            "auth::exactly_one_credential",
        ],
        deviation: "No message signatures: TLS carries the requests.",
    },
    Chapter {
        number: "V5",
        name: "File Handling",
        met_by: "A file is known by its content and its name's grammar; it is kept under its SHA-256, \
                 never under its name; archives are looked through within limits before anything is \
                 taken from them; the readers are fuzzed.",
        tested_by: &[
            "negative_files::no_file_name_leads_out_of_the_store",
            "hostile::large_and_hostile_files_get_their_answer_within_bounded_memory",
            "negative_readers::any_workbook_keeps_to_its_limits",
            "negative_readers::any_file_name_is_taken_apart_or_refused",
        ],
        deviation: "No scan for viruses: files are read as tables and given back only to those who \
                    sent them and to administrators.",
    },
    Chapter {
        number: "V6",
        name: "Authentication",
        met_by: "Argon2id; 12 to 128 characters without rules of composition, common passwords \
                 refused; failures slow an account and an address down on all servers together; one \
                 answer and one time for every wrong sign-in; no default password.",
        tested_by: &[
            "negative_credentials::an_unknown_address_takes_as_long_as_a_wrong_password",
            "negative_credentials::a_thousand_guesses_over_two_nodes_find_the_limit",
            "auth::the_same_answer_to_every_wrong_sign_in",
            "auth::the_first_administrator_is_one_and_must_choose_a_password",
        ],
        deviation: "No second factor yet. Throttling, the list of sessions and the audit log \
                    compensate; there is room for one-time codes.",
    },
    Chapter {
        number: "V7",
        name: "Session Management",
        met_by: "Ids of 256 random bits, of which the database holds the SHA-256; a new one at every \
                 change of rights; idle and absolute ends; users see and end their sessions.",
        tested_by: &[
            "auth::a_session_id_that_was_known_before_signing_in_is_worth_nothing",
            "auth::a_session_ends_when_idle_and_after_half_a_day",
            "negative_credentials::a_session_ends_with_logout_and_with_its_user",
            "auth::a_new_password_ends_what_the_old_one_opened",
        ],
        deviation: "",
    },
    Chapter {
        number: "V8",
        name: "Authorization",
        met_by: "Nothing is open but a short list; roles on every route; entitlements are one \
                 predicate in the database that every reader goes through; rights are read with each \
                 request; what is somebody else's is not there.",
        tested_by: &[
            "browser_protection::nothing_is_open_but_what_is_meant_to_be",
            "negative_routes::every_route_wants_the_role_that_it_says",
            "negative_credentials::what_belongs_to_others_is_neither_read_nor_changed",
            "negative_credentials::a_scope_is_the_most_that_a_token_can_do",
        ],
        deviation: "",
    },
    Chapter {
        number: "V9",
        name: "Self-contained Tokens",
        met_by: "Not applicable: tokens are random and looked up.",
        tested_by: &[],
        deviation: "",
    },
    Chapter {
        number: "V10",
        name: "OAuth and OIDC",
        met_by: "Not applicable: there is neither yet.",
        tested_by: &[],
        deviation: "",
    },
    Chapter {
        number: "V11",
        name: "Cryptography",
        met_by: "Argon2id for passwords, SHA-256 for random secrets and for content, the operating \
                 system's random numbers; secrets are compared in constant time; TLS by rustls.",
        tested_by: &[
            "auth::the_database_never_sees_a_secret",
            "auth::a_weak_hash_is_made_anew_at_sign_in",
            "negative_credentials::a_token_that_is_not_in_force_is_worth_nothing",
        ],
        deviation: "Documents and rows are not encrypted by the program: the disks, the database and \
                    the bucket do that where it is wanted.",
    },
    Chapter {
        number: "V12",
        name: "Secure Communication",
        met_by: "Plain HTTP is served on loopback only; anywhere else it takes a declared proxy that \
                 speaks TLS. The database and the bucket are reached by TLS where their addresses say \
                 so.",
        tested_by: &[
            "start::a_wrong_setting_ends_with_78_and_is_named_with_its_place",
            "browser_protection::behind_tls_a_cookie_is_bound_to_this_host",
        ],
        deviation: "The server itself ends no TLS; the proxy does.",
    },
    Chapter {
        number: "V13",
        name: "Configuration",
        met_by: "Settings come from flags, the environment or a file, secrets among them, and wrong \
                 ones end the start; nothing is debugged in production; the private database listens \
                 on this machine only, with a random password.",
        tested_by: &[
            "start::a_wrong_setting_ends_with_78_and_is_named_with_its_place",
            "negative_routes::a_fault_inside_tells_nothing_of_the_inside",
            "start::root_finds_a_place_where_postgres_can_go",
        ],
        deviation: "",
    },
    Chapter {
        number: "V14",
        name: "Data Protection",
        met_by: "Pages and account data are not cached; no secret is in an address; what a user sees \
                 is what the grants say, in counts and names too.",
        tested_by: &[
            "negative_secrets::a_secret_in_an_address_is_refused_and_forgotten",
            "negative_secrets::no_secret_is_found_in_clear",
            "browser_protection::every_answer_tells_browsers_what_it_may_do",
        ],
        deviation: "",
    },
    Chapter {
        number: "V15",
        name: "Secure Coding and Architecture",
        met_by: "Rust without unsafe code; lints as errors; every dependency is locked to its version \
                 and its checksum in Cargo.lock, and the build refuses another.",
        tested_by: &[
            "negative_readers::any_file_is_a_curve_that_can_be_stored_or_has_an_error",
            "breaking::a_server_that_is_killed_at_any_step_leaves_all_or_nothing",
        ],
        deviation: "Advisories are not looked up by the test command, which asks no other host: \
                    whoever releases runs cargo audit.",
    },
    Chapter {
        number: "V16",
        name: "Security Logging and Error Handling",
        met_by: "An audit log in the transaction of what it records, which the program can only add \
                 to; logs by route, never by address; an error tells its id and nothing of the inside.",
        tested_by: &[
            "negative_routes::without_a_database_every_route_says_so_and_no_more",
            "negative_secrets::no_secret_is_found_in_clear",
            "browser_protection::requests_are_counted_by_route_and_never_by_path",
        ],
        deviation: "",
    },
    Chapter {
        number: "V17",
        name: "WebRTC",
        met_by: "Not applicable: there is none.",
        tested_by: &[],
        deviation: "",
    },
];
