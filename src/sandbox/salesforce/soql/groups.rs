//! Groups of rows, and functions of their values.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::ast::{Aggregation, Condition, Function, Item};
use super::evaluate::{compare, holds};
use super::resolved::Resolved;
use crate::sandbox::salesforce::field_value::Value;

/// The values of one group's rows, by the place of their item.
#[derive(Debug)]
struct Group {
    keys: Vec<Value>,
    columns: Vec<Column>,
}

/// What is remembered of a column's values.
#[derive(Debug, Default, Clone)]
struct Column {
    count: u64,
    sum: f64,
    least: Option<Value>,
    most: Option<Value>,
    distinct: std::collections::BTreeSet<String>,
}

impl Column {
    fn add(&mut self, value: Value, keep_distinct: bool) {
        if value == Value::Null {
            return;
        }
        self.count += 1;
        if let Value::Number(number) = value {
            self.sum += number;
        }
        if keep_distinct {
            self.distinct.insert(format!("{value:?}").to_lowercase());
        }
        let is_before = |left: &Value, right: &Option<Value>| right.as_ref().is_none_or(|right| left.before(right));
        if is_before(&value, &self.least) {
            self.least = Some(value.clone());
        }
        if self.most.as_ref().is_none_or(|most| most.before(&value)) {
            self.most = Some(value);
        }
    }

    fn result(&self, function: Function) -> Value {
        let number = |count: u64| Value::Integer(i64::try_from(count).unwrap_or(i64::MAX));
        match function {
            Function::Count => number(self.count),
            Function::CountDistinct => number(self.distinct.len() as u64),
            Function::Sum | Function::Avg if self.count == 0 => Value::Null,
            Function::Sum => Value::Number(self.sum),
            Function::Avg => Value::Number(self.sum / self.count as f64),
            Function::Min => self.least.clone().unwrap_or(Value::Null),
            Function::Max => self.most.clone().unwrap_or(Value::Null),
        }
    }
}

/// Groups of rows, as they are read.
#[derive(Debug)]
pub struct Groups<'a> {
    asked: &'a Aggregation<Resolved>,
    /// Every function that is selected, compared or sorted by.
    functions: Vec<(Function, &'a Resolved)>,
    groups: BTreeMap<String, Group>,
}

fn items_of<'a>(condition: &'a Condition<Item<Resolved>>, found: &mut Vec<&'a Item<Resolved>>) {
    match condition {
        Condition::And(all) | Condition::Or(all) => all.iter().for_each(|one| items_of(one, found)),
        Condition::Not(inner) => items_of(inner, found),
        Condition::Compare(item, ..) | Condition::In(item, ..) => found.push(item),
    }
}

impl<'a> Groups<'a> {
    /// No rows yet.
    pub fn new(asked: &'a Aggregation<Resolved>) -> Self {
        let mut items: Vec<&Item<Resolved>> = asked.selected.iter().map(|one| &one.item).collect();
        items.extend(asked.order.iter().map(|key| &key.field));
        if let Some(having) = &asked.having {
            items_of(having, &mut items);
        }
        let mut functions: Vec<(Function, &Resolved)> = Vec::new();
        for item in items {
            if let Item::Aggregate(function, field) = item
                && !functions.contains(&(*function, field))
            {
                functions.push((*function, field));
            }
        }
        let mut groups = Self { asked, functions, groups: BTreeMap::new() };
        // Without groups there is one, also of no rows.
        if asked.groups.is_empty() {
            groups.group(Vec::new());
        }
        groups
    }

    fn group(&mut self, keys: Vec<Value>) -> &mut Group {
        // Texts are grouped without regard to case.
        let name = format!("{keys:?}").to_lowercase();
        let columns = self.functions.len();
        self.groups.entry(name).or_insert_with(|| Group { keys, columns: vec![Column::default(); columns] })
    }

    /// Adds a row.
    pub fn add(&mut self, value_of: impl Fn(&Resolved) -> Value) {
        let keys = self.asked.groups.iter().map(&value_of).collect();
        let values: Vec<(Function, Value)> = self.functions.iter().map(|(function, field)| (*function, value_of(field))).collect();
        let group = self.group(keys);
        for (column, (function, value)) in group.columns.iter_mut().zip(values) {
            column.add(value, function == Function::CountDistinct);
        }
    }

    fn value(&self, group: &Group, item: &Item<Resolved>) -> Value {
        match item {
            Item::Field(field) => {
                let place = self.asked.groups.iter().position(|grouped| grouped == field);
                place.and_then(|place| group.keys.get(place)).cloned().unwrap_or(Value::Null)
            }
            Item::Aggregate(function, field) => {
                let place = self.functions.iter().position(|known| *known == (*function, field));
                place.and_then(|place| group.columns.get(place)).map_or(Value::Null, |column| column.result(*function))
            }
        }
    }

    /// The groups that meet the condition, in order, as JSON records. A function without an alias is named `expr0`, `expr1` and so on.
    pub fn records(self, offset: usize, limit: usize) -> Vec<Json> {
        let fitting = self.groups.values().filter(|group| {
            self.asked.having.as_ref().is_none_or(|having| holds(having, &|item: &Item<Resolved>| self.value(group, item)))
        });
        let mut sorted: Vec<(Vec<Value>, &Group)> =
            fitting.map(|group| (self.asked.order.iter().map(|key| self.value(group, &key.field)).collect(), group)).collect();
        sorted.sort_by(|(left, _), (right, _)| compare(&self.asked.order, left, right));
        sorted.into_iter().skip(offset).take(limit).map(|(_, group)| self.record(group)).collect()
    }

    fn record(&self, group: &Group) -> Json {
        let mut shown = Map::new();
        shown.insert("attributes".into(), json!({"type": "AggregateResult"}));
        let mut unnamed = 0;
        for one in &self.asked.selected {
            let name = match (&one.alias, &one.item) {
                (Some(alias), _) => alias.clone(),
                (None, Item::Field(field)) => field.field.name.to_owned(),
                (None, Item::Aggregate(..)) => {
                    unnamed += 1;
                    format!("expr{}", unnamed - 1)
                }
            };
            shown.insert(name, self.value(group, &one.item).json());
        }
        Json::Object(shown)
    }
}
