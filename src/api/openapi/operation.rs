//! One operation of the document: a path, a method, what goes in and what comes out.

use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder, ResponsesBuilder};
use utoipa::openapi::schema::{KnownFormat, Object, ObjectBuilder, Ref, Schema, SchemaFormat, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Content, RefOr, Required};
use utoipa::{IntoParams, ToSchema};

use crate::api::pagination::{List, PageQuery};
use crate::domain::scopes::Family;

/// The name of the security scheme.
pub(super) const BEARER: &str = "BearerAuth";
/// What every request with a key may be answered beside its own answers; see `responses`.
const ALWAYS: [(&str, &str); 6] = [
    ("400", "BadRequest"),
    ("401", "Unauthorized"),
    ("403", "Forbidden"),
    ("429", "TooManyRequests"),
    ("500", "InternalError"),
    ("503", "Unavailable"),
];

/// An operation and the schemas that it names.
pub(super) struct Op {
    pub method: HttpMethod,
    pub path: &'static str,
    pub schemas: Vec<(String, RefOr<Schema>)>,
    operation: OperationBuilder,
    responses: ResponsesBuilder,
    about: Vec<String>,
}

impl Op {
    fn new(method: HttpMethod, path: &'static str, id: &str, summary: &str) -> Self {
        let operation = OperationBuilder::new().operation_id(Some(id)).summary(Some(summary));
        let parameters = path.split(['{', '}']).skip(1).step_by(2).map(path_parameter);
        Self {
            method,
            path,
            schemas: Vec::new(),
            operation: parameters.fold(operation, OperationBuilder::parameter),
            responses: ResponsesBuilder::new(),
            about: Vec::new(),
        }
    }

    pub fn get(path: &'static str, id: &str, summary: &str) -> Self {
        Self::new(HttpMethod::Get, path, id, summary)
    }

    pub fn post(path: &'static str, id: &str, summary: &str) -> Self {
        Self::new(HttpMethod::Post, path, id, summary)
    }

    pub fn put(path: &'static str, id: &str, summary: &str) -> Self {
        Self::new(HttpMethod::Put, path, id, summary)
    }

    pub fn delete(path: &'static str, id: &str, summary: &str) -> Self {
        Self::new(HttpMethod::Delete, path, id, summary)
    }

    /// A sentence on what the summary leaves open.
    pub fn about(mut self, sentence: &str) -> Self {
        self.about.push(sentence.to_owned());
        self
    }

    /// Needs a key, of any scopes.
    pub fn any_key(self) -> Self {
        self.keyed(&[&[]])
    }

    /// Needs a key with this scope.
    pub fn scope(self, scope: &str) -> Self {
        self.about(&format!("Needs the scope `{scope}`.")).keyed(&[&[scope]])
    }

    /// Needs a key with a family's scope, for all domains or for the one in question.
    pub fn family(self, family: Family) -> Self {
        let (all, one) = (format!("{}:all", family.as_str()), format!("{}:{{domain}}", family.as_str()));
        self.about(&format!("Needs the scope `{all}`, or `{one}` for the domain in question."))
            .keyed(&[&[&all], &[&one]])
    }

    /// Each of `alternatives` is enough.
    fn keyed(mut self, alternatives: &[&[&str]]) -> Self {
        for scopes in alternatives {
            self.operation = self.operation.security(SecurityRequirement::new(BEARER, scopes.iter().copied()));
        }
        for (status, name) in ALWAYS {
            self = self.refers(status, name);
        }
        self
    }

    /// Needs no key.
    pub fn open(mut self) -> Self {
        self.operation = self.operation.securities(Some(Vec::new()));
        self
    }

    pub fn query<Q: IntoParams>(mut self) -> Self {
        let parameters = Q::into_params(|| Some(ParameterIn::Query));
        self.operation = parameters.into_iter().fold(self.operation, OperationBuilder::parameter);
        self
    }

    pub fn body<T: ToSchema>(mut self) -> Self {
        let content = Content::new(Some(self.named::<T>()));
        let body = RequestBodyBuilder::new().required(Some(Required::True)).content("application/json", content);
        self.operation = self.operation.request_body(Some(body.build()));
        self
    }

    /// The answer on success.
    pub fn answers<T: ToSchema>(mut self, status: &str, description: &str) -> Self {
        let schema = self.named::<T>();
        self.success(status, description, schema, false)
    }

    /// Some JSON object on success.
    pub fn answers_object(self, description: &str) -> Self {
        self.success("200", description, Object::with_type(Type::Object).into(), false)
    }

    /// A page of rows on success, under a name of its own, and the parameters that turn pages.
    pub fn page<T: ToSchema>(mut self, name: &str) -> Self {
        T::schemas(&mut self.schemas);
        self.schemas.push((T::name().into_owned(), T::schema()));
        List::<T>::schemas(&mut self.schemas);
        self.schemas.push((name.to_owned(), <List<T> as utoipa::PartialSchema>::schema()));
        let schema = Ref::from_schema_name(name).into();
        self.query::<PageQuery>().success("200", "A page of rows, newest first.", schema, false)
    }

    /// A creation that runs once per `Idempotency-Key`.
    pub fn creates<T: ToSchema>(mut self, status: &str, description: &str) -> Self {
        self.operation = self.operation.parameter_ref(Ref::new("#/components/parameters/IdempotencyKey"));
        let schema = self.named::<T>();
        self.success(status, description, schema, true)
            .refers("409", "IdempotencyConflict")
            .refers("422", "IdempotencyMismatch")
    }

    pub fn not_found(self) -> Self {
        self.refers("404", "NotFound")
    }

    pub fn conflict(self) -> Self {
        self.refers("409", "Conflict")
    }

    /// The finished operation, filed under `tag`.
    pub fn build(self, tag: &str) -> Operation {
        let about = (!self.about.is_empty()).then(|| self.about.join(" "));
        self.operation.tag(tag).description(about).responses(self.responses).build()
    }

    fn success(mut self, status: &str, description: &str, schema: RefOr<Schema>, replayed: bool) -> Self {
        let mut response =
            ResponseBuilder::new().description(description).content("application/json", Content::new(Some(schema)));
        if replayed {
            response = response
                .header("Idempotent-Replayed", header("Set to `true` when this answer was stored.", Type::String));
        }
        self.responses = self.responses.response(status, response.build());
        self
    }

    fn refers(mut self, status: &str, name: &str) -> Self {
        let reference: RefOr<Response> = Ref::from_response_name(name).into();
        self.responses = self.responses.response(status, reference);
        self
    }

    fn named<T: ToSchema>(&mut self) -> RefOr<Schema> {
        T::schemas(&mut self.schemas);
        self.schemas.push((T::name().into_owned(), T::schema()));
        Ref::from_schema_name(T::name()).into()
    }
}

/// A parameter of a path: every id of ours is a UUID, a domain is its name, a message has several forms.
fn path_parameter(name: &str) -> Parameter {
    let (format, about) = match name {
        "account_id" => (Some(KnownFormat::Uuid), "The account of the key."),
        "sub_account_id" => (Some(KnownFormat::Uuid), "A sub account of it."),
        "key_id" => (Some(KnownFormat::Uuid), "An API key."),
        "smtp_credential_id" => (Some(KnownFormat::Uuid), "SMTP credentials."),
        "transport_id" => (Some(KnownFormat::Uuid), "A transport."),
        "user_id" => (Some(KnownFormat::Uuid), "A member."),
        "domain" => (None, "A domain by its name."),
        "message_id" => (None, "A message: its UUID or its Message-ID, with or without angle brackets."),
        _ => (None, "An id."),
    };
    let schema = ObjectBuilder::new().schema_type(Type::String).format(format.map(SchemaFormat::KnownFormat));
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(about))
        .schema(Some(schema))
        .build()
}

/// A response header.
pub(super) fn header(description: &str, kind: Type) -> Header {
    HeaderBuilder::new().schema(Some(Object::with_type(kind))).description(Some(description)).build()
}
