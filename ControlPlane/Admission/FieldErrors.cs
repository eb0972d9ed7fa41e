using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission;

/// <summary>Problems in the form of Kubernetes' own validation, which says field and value inside of the message; all of them are "invalid" to KubeVirt.</summary>
internal static class FieldErrors
{
    public static StatusCause Invalid(FieldPath field, string value, string detail) => Of(field, $"Invalid value: {GoText.Quoted(value)}: {detail}");
    public static StatusCause Invalid(FieldPath field, long value, string detail) => Of(field, $"Invalid value: {value}: {detail}");
    public static StatusCause Required(FieldPath field, string detail) => Of(field, $"Required value: {detail}");
    public static StatusCause Forbidden(FieldPath field, string detail) => Of(field, $"Forbidden: {detail}");
    public static StatusCause Duplicate(FieldPath field, string value) => Of(field, $"Duplicate value: {GoText.Quoted(value)}");

    public static StatusCause NotSupported(FieldPath field, string value, params IReadOnlyList<string> supported) =>
        Of(field, $"Unsupported value: {GoText.Quoted(value)}: supported values: {string.Join(", ", supported.Select(s => $"\"{s}\""))}");

    private static StatusCause Of(FieldPath field, string body) => Cause.Invalid(field, $"{field}: {body}");
}
