using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission;

/// <summary>Why an object is refused, in `metav1.StatusCause`'s vocabulary.</summary>
public static class Cause
{
    public const string FieldValueInvalid = "FieldValueInvalid";
    public const string FieldValueRequired = "FieldValueRequired";
    public const string FieldValueDuplicate = "FieldValueDuplicate";
    public const string FieldValueNotFound = "FieldValueNotFound";
    public const string FieldValueNotSupported = "FieldValueNotSupported";
    public const string FieldValueForbidden = "FieldValueForbidden";

    public static StatusCause Invalid(FieldPath field, string message) => Of(FieldValueInvalid, field, message);
    public static StatusCause Required(FieldPath field, string message) => Of(FieldValueRequired, field, message);
    public static StatusCause Duplicate(FieldPath field, string message) => Of(FieldValueDuplicate, field, message);
    public static StatusCause NotFound(FieldPath field, string message) => Of(FieldValueNotFound, field, message);
    public static StatusCause NotSupported(FieldPath field, string message) => Of(FieldValueNotSupported, field, message);
    public static StatusCause Forbidden(FieldPath field, string message) => Of(FieldValueForbidden, field, message);

    /// <summary>The schema's own words, which carry the path inside of them.</summary>
    public static StatusCause Schema(string message) => new() { Message = message };

    private static StatusCause Of(string reason, FieldPath field, string message) =>
        new() { Reason = reason, Field = field.Text is { Length: > 0 } text ? text : null, Message = message };
}
