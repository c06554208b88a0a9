use super::*;

#[test]
fn types_are_found_by_oid_and_name() {
    let int4 = type_by_name("int4").expect("int4");
    assert_eq!((int4.oid, int4.length, int4.category, int4.array), (23, 4, 'N', 1007));
    assert!(type_by_oid(1007).expect("_int4").is_array());
    assert!(!type_by_name("name").expect("name").is_array());
    assert_eq!(type_by_name("unknown").map(|row| row.kind), Some('p'));
    let sql_identifier = types().iter().find(|row| row.name == "sql_identifier").expect("domain");
    assert_eq!(base_type(sql_identifier.oid), 19);
}

#[test]
fn every_reference_between_the_files_resolves() {
    for function in functions() {
        for oid in function.arguments.iter().chain([&function.return_type]) {
            assert!(type_by_oid(*oid).is_some(), "function {} uses type {oid}", function.name);
        }
        if let Some(all) = &function.all_arguments {
            assert_eq!(all.len(), function.argument_modes.len(), "{}", function.name);
        }
    }
    for operator in operators() {
        assert!(type_by_oid(operator.result).is_some());
        assert_eq!(operator.left == 0, operator.kind == 'l', "{}", operator.name);
    }
    for cast in casts() {
        assert!(type_by_oid(cast.source).is_some() && type_by_oid(cast.target).is_some());
        assert_eq!(cast.function != 0, cast.method == CastMethod::Function);
    }
    for class in operator_classes() {
        assert!(operator_families().iter().any(|family| family.oid == class.family), "{}", class.name);
    }
}

#[test]
fn overloads_are_found_by_name_and_signature() {
    assert_eq!(operator("+", 23, 23).map(|row| row.oid), Some(551));
    assert_eq!(operator("-", 0, 23).map(|row| row.oid), Some(558));
    assert!(functions_by_name("lower").iter().any(|row| row.arguments == [25]));
    assert_eq!(cast(23, 20).map(|row| row.context), Some(CastContext::Implicit));
    assert_eq!(aggregate(2147).map(|row| row.kind), Some('n'));
    let make_interval = functions_by_name("make_interval")[0];
    assert_eq!(make_interval.default_count, 7);
}

#[test]
fn default_classes_follow_binary_coercion() {
    let name = |oid| default_operator_class(BTREE, oid).map(|class| class.name);
    assert_eq!(name(23), Some("int4_ops"));
    assert_eq!(name(1043), Some("text_ops"));
    assert_eq!(name(1007), Some("array_ops"));
    assert_eq!(name(114), None, "json has no order");
    assert_eq!(equality_operator(25), Some(98));
}
