#include "wire/rest.h"

#include "base/bytes.h"
#include "wire/json.h"
#include "wire/scalar.h"
#include "wire/xml.h"

namespace landfall::wire {
namespace {

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> out;
  while (true) {
    const std::size_t end = text.find(at);
    out.push_back(text.substr(0, end));
    if (end == text.npos) return out;
    text.remove_prefix(end + 1);
  }
}

bool is_label(std::string_view segment) {
  return segment.starts_with('{') && segment.ends_with('}');
}

const std::string* find_parameter(const http::Parameters& parameters, std::string_view name) {
  const auto found = std::ranges::find(parameters, name, &http::Parameters::value_type::first);
  return found == parameters.end() ? nullptr : &found->second;
}

// "?uploads" demands the name, "?list-type=2" the value as well. Negative: does not fit.
int score_query(std::string_view wanted, const http::Parameters& query) {
  int score = 0;
  for (const std::string_view pair : split(wanted, '&')) {
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    const std::string* found = find_parameter(query, pair.substr(0, equals));
    if (!found || (equals != pair.npos && *found != pair.substr(equals + 1))) return -1;
    ++score;
  }
  return score;
}

// How specific the template is for this path; negative: does not fit.
int score_path(std::string_view wanted, std::string_view path, http::Parameters& labels) {
  int score = 0;
  wanted.remove_prefix(wanted.starts_with('/'));
  path.remove_prefix(path.starts_with('/'));
  while (true) {
    const std::size_t wanted_end = wanted.find('/');
    const std::string_view segment = wanted.substr(0, wanted_end);
    const bool greedy = segment.ends_with("+}");
    const std::size_t path_end = greedy ? path.npos : path.find('/');
    const std::string_view have = path.substr(0, path_end);
    if (is_label(segment)) {
      auto decoded = percent_decode(have);
      if (!decoded || decoded->empty() || !is_valid_utf8(*decoded)) return -1;
      labels.emplace_back(segment.substr(1, segment.size() - (greedy ? 3 : 2)),
                          std::move(*decoded));
    } else if (segment != have) {
      return -1;
    } else {
      score += 100;
    }
    const bool more = wanted_end != wanted.npos && wanted_end + 1 < wanted.size();
    const std::string_view rest = path_end == path.npos ? "" : path.substr(path_end + 1);
    if (!more) return rest.empty() ? score + (greedy ? 0 : 1) : -1;
    if (path_end == path.npos) return -1;
    wanted.remove_prefix(wanted_end + 1);
    path = rest;
  }
}

Result<void> put(const Shape& shape, std::string_view text, void* out, const Problems& problems,
                 const Path& path) {
  if (!is_valid_utf8(text) || !read_scalar(shape, text, out))
    return std::unexpected(problems.unreadable(path, text));
  return {};
}

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

// Items of a header list: commas separate, quotes protect. Times in HTTP form hold one comma
// themselves.
std::vector<std::string> header_items(std::string_view text, bool dates) {
  std::vector<std::string> out(1);
  bool quoted = false;
  int commas = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\' && i + 1 < text.size()) {
      out.back() += text[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted && (!dates || ++commas % 2 == 0)) {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  for (std::string& item : out) item = trim(item);
  return out;
}

bool is_bound(const Shape& input, std::string_view query_name) {
  return std::ranges::any_of(input.members, [&](const Member& member) {
    return member.location == Location::query_string && member.shape->kind != Kind::map &&
           member.location_name == query_name;
  });
}

Result<bool> read_query(const Shape& input, const Member& member, const http::Parameters& query,
                        void* out, const Problems& problems, const Path& path) {
  const Shape& shape = *member.shape;
  bool any = false;
  for (const auto& [name, value] : query) {
    if (shape.kind == Kind::map) {
      if (is_bound(input, name)) continue;
      void* entry = shape.map->insert(place(member, out), name);
      void* at = shape.element->kind == Kind::list ? shape.element->list->append(entry) : entry;
      LF_OK(put(shape.element->kind == Kind::list ? *shape.element->element : *shape.element, value,
                at, problems, path));
    } else if (name != member.location_name || (any && shape.kind != Kind::list)) {
      continue;
    } else if (shape.kind == Kind::list) {
      LF_OK(put(*shape.element, value, shape.list->append(place(member, out)), problems, path));
    } else {
      LF_OK(put(shape, value, place(member, out), problems, path));
    }
    any = true;
  }
  return any;
}

Result<bool> read_header(const Member& member, const http::Headers& headers, void* out,
                         const Problems& problems, const Path& path) {
  const Shape& shape = *member.shape;
  if (member.location == Location::headers) {
    bool any = false;
    for (const auto& [name, value] : headers) {
      if (name.size() < member.location_name.size() ||
          !http::equal_ignoring_case(std::string_view(name).substr(0, member.location_name.size()),
                                     member.location_name)) {
        continue;
      }
      void* at = shape.map->insert(place(member, out), name.substr(member.location_name.size()));
      LF_OK(put(*shape.element, value, at, problems, path));
      any = true;
    }
    return any;
  }
  if (!headers.has(member.location_name)) return false;
  if (shape.kind != Kind::list) {
    LF_OK(put(shape, headers.get(member.location_name), place(member, out), problems, path));
    return true;
  }
  const bool dates = shape.element->kind == Kind::timestamp;
  for (const std::string_view field : headers.all(member.location_name)) {
    for (const std::string& item : header_items(field, dates)) {
      LF_OK(put(*shape.element, item, shape.list->append(place(member, out)), problems, path));
    }
  }
  return true;
}

const Member* payload_of(const Shape& shape) {
  const auto found = std::ranges::find(shape.members, shape.payload, &Member::name);
  return shape.payload.empty() || found == shape.members.end() ? nullptr : &*found;
}

bool has_body_members(const Shape& shape) {
  return std::ranges::any_of(
      shape.members, [](const Member& member) { return member.location == Location::body; });
}

Result<void> read_document(Protocol protocol, const Shape& shape, std::string_view body, void* out,
                           Problems& problems, const Path& path) {
  if (protocol == Protocol::rest_xml) {
    return read_xml(shape, body.empty() ? "<Empty/>" : body, out, problems);
  }
  LF_TRY(parsed, parse_json(body.empty() ? "{}" : body));
  return read_json(shape, parsed, out, problems, path);
}

Result<void> read_payload(Protocol protocol, const Member& member, std::string_view body, void* out,
                          Problems& problems) {
  const Path here{nullptr, &member};
  const Shape& shape = *member.shape;
  if (body.empty()) {
    if (member.required) problems.missing(here);
    return {};
  }
  if (shape.kind == Kind::blob || shape.kind == Kind::string) {
    if (shape.kind == Kind::string && !is_valid_utf8(body))
      return std::unexpected(problems.unreadable(here, "(not UTF-8)"));
    *static_cast<std::string*>(place(member, out)) = body;
    return {};
  }
  return read_document(protocol, shape, body, place(member, out), problems, here);
}

// ---- answers ----

std::string header_value(const Member& member, const Shape& shape, const void* value) {
  return write_scalar(shape, value, member.time_format, TimeFormat::http_date);
}

// No line break or other control character may leave the header it stands in.
std::string one_line(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return text;
}

void write_header(const Member& member, const void* value, http::Headers& headers) {
  const Shape& shape = *member.shape;
  if (shape.kind == Kind::list) {
    std::string joined;
    each_item(shape, value, [&](const void* item) {
      std::string text = header_value(member, *shape.element, item);
      if (shape.element->kind == Kind::string && text.find_first_of(",\"") != text.npos) {
        std::string quoted = "\"";
        for (char c : text) quoted += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
        text = quoted + '"';
      }
      joined += (joined.empty() ? "" : ", ") + text;
    });
    headers.add(std::string(member.location_name), one_line(joined));
  } else if (shape.kind == Kind::map) {
    each_entry(shape, value, [&](const std::string& key, const void* item) {
      headers.add(one_line(std::string(member.location_name) + key),
                  one_line(header_value(member, *shape.element, item)));
    });
  } else {
    headers.add(std::string(member.location_name), one_line(header_value(member, shape, value)));
  }
}

std::string document(Protocol protocol, const ServiceModel& service, std::string_view root,
                     const Shape& shape, const void* value) {
  std::string out;
  if (protocol == Protocol::rest_json) {
    write_json(shape, value, out, true);
    return out;
  }
  out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  out += service.xml_namespace.empty()
             ? fmt::format("<{}>", root)
             : fmt::format("<{} xmlns=\"{}\">", root, service.xml_namespace);
  write_xml_members(shape, value, out, true);
  return out + fmt::format("</{}>", root);
}

void write_body(Protocol protocol, const ServiceModel& service, const Shape& output,
                const void* value, http::Response& response) {
  const std::string_view type =
      protocol == Protocol::rest_json ? "application/json" : "application/xml";
  const auto set_type = [&](std::string_view usual) {
    if (!response.headers.has("Content-Type"))
      response.headers.add("Content-Type", std::string(usual));
  };
  if (const Member* payload = payload_of(output)) {
    const void* found = look(*payload, value);
    if (!found) return;
    if (payload->shape->kind == Kind::blob || payload->shape->kind == Kind::string) {
      response.body = *static_cast<const std::string*>(found);
      return set_type(payload->shape->kind == Kind::blob ? "application/octet-stream"
                                                         : "text/plain");
    }
    if (payload->shape->kind == Kind::structure) {
      response.body = document(protocol, service, payload->location_name, *payload->shape, found);
    } else {
      write_json(*payload->shape, found, response.body);
    }
    return set_type(type);
  }
  if (!has_body_members(output) && protocol == Protocol::rest_xml) return;
  response.body = document(protocol, service, output.name, output, value);
  set_type(type);
}

}  // namespace

RestMatch match_rest(const ServiceModel& service, std::string_view method, std::string_view path,
                     const http::Parameters& query) {
  RestMatch best;
  int best_score = -1;
  for (const Operation& operation : service.operations) {
    if (operation.method != method) continue;
    const std::size_t mark = operation.uri.find('?');
    const int query_score =
        mark == operation.uri.npos ? 0 : score_query(operation.uri.substr(mark + 1), query);
    http::Parameters labels;
    const int path_score =
        query_score < 0 ? -1 : score_path(operation.uri.substr(0, mark), path, labels);
    const int score = path_score * 100 + query_score;
    if (path_score < 0 || score <= best_score) continue;
    best_score = score;
    best = {&operation, std::move(labels)};
  }
  return best;
}

Result<void> read_rest(Protocol protocol, const Shape& input, const RestRequest& request, void* out,
                       Problems& problems) {
  const Member* payload = payload_of(input);
  for (const Member& member : input.members) {
    const Path here{nullptr, &member};
    bool found = true;
    switch (member.location) {
      case Location::uri: {
        const std::string* label = find_parameter(request.labels, member.location_name);
        found = label != nullptr;
        if (label) LF_OK(put(*member.shape, *label, place(member, out), problems, here));
        break;
      }
      case Location::query_string: {
        LF_TRY(any, read_query(input, member, request.query, out, problems, here));
        found = any;
        break;
      }
      case Location::header:
      case Location::headers: {
        LF_TRY(any, read_header(member, request.headers, out, problems, here));
        found = any;
        break;
      }
      default:
        break;
    }
    if (!found && member.required) problems.missing(here);
  }
  if (payload) return read_payload(protocol, *payload, request.body, out, problems);
  if (!has_body_members(input)) return {};
  return read_document(protocol, input, request.body, out, problems, Path{});
}

http::Response write_rest(Protocol protocol, const ServiceModel& service, const Shape& output,
                          const void* value, int fallback_status) {
  http::Response response{.status = fallback_status, .headers = {}, .body = {}};
  for (const Member& member : output.members) {
    const void* found = look(member, value);
    if (!found) continue;
    if (member.location == Location::header || member.location == Location::headers)
      write_header(member, found, response.headers);
    if (member.location == Location::status && member.shape->kind == Kind::int32) {
      response.status = *static_cast<const std::int32_t*>(found);
    }
  }
  write_body(protocol, service, output, value, response);
  return response;
}

}  // namespace landfall::wire
