using System.Text;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instances;

/// <summary>Cloud-init data: one source of each kind, and little enough to travel inside of the object.</summary>
internal static class CloudInitRules
{
    /// <summary>Bytes. Every watcher of VMIs gets the object, so larger data belongs into a Secret.</summary>
    private const int MaxInline = 2048;

    public static IEnumerable<StatusCause> Of(FieldPath volume, Volume source) => source switch
    {
        { CloudInitNoCloud: { } n } => Data(volume, "cloudInitNoCloud",
            new Inline(n.SecretRef, n.UserDataBase64, n.UserData), new Inline(n.NetworkDataSecretRef, n.NetworkDataBase64, n.NetworkData)),
        { CloudInitConfigDrive: { } d } => Data(volume, "cloudInitConfigDrive",
            new Inline(d.SecretRef, d.UserDataBase64, d.UserData), new Inline(d.NetworkDataSecretRef, d.NetworkDataBase64, d.NetworkData)),
        _ => [],
    };

    private static IEnumerable<StatusCause> Data(FieldPath volume, string kind, Inline user, Inline network)
    {
        var field = volume[kind];
        if (user.IsNotBase64)
            yield return NotBase64(field["userDataBase64"], kind, "userDataBase64");
        if (user.Sources > 1)
            yield return Cause.Invalid(field, $"{field} must have only one userdatasource set.");
        if (user.Length > MaxInline)
            yield return Cause.Invalid(field, $"{field} userdata exceeds {MaxInline} byte limit. Should use UserDataSecretRef for larger data.");
        if (network.IsNotBase64)
            yield return NotBase64(field["networkDataBase64"], kind, "networkDataBase64");
        if (network.Sources > 1)
            yield return Cause.Invalid(field, $"{field} must have only one networkdata source set.");
        if (network.Length > MaxInline)
            yield return Cause.Invalid(field, $"{field} networkdata exceeds {MaxInline} byte limit. Should use NetworkDataSecretRef for larger data.");
        if (user.Sources == 0 && network.Sources == 0)
            yield return Cause.Invalid(field, $"{field} must have at least one userdatasource or one networkdatasource set.");
    }

    private static StatusCause NotBase64(FieldPath field, string kind, string name) => Cause.Invalid(field, $"{field}.{kind}.{name} is not a valid base64 value.");

    private sealed record Inline(LocalObjectReference? Secret, string? Base64, string? Plain)
    {
        public int Sources => new[] { Secret?.Name, Base64, Plain }.Count(s => s is { Length: > 0 });

        public bool IsNotBase64 => Base64 is { Length: > 0 } && Decoded is null;

        public int Length => Plain is { Length: > 0 } ? Encoding.UTF8.GetByteCount(Plain) : Decoded ?? Readable;

        private string Text => Base64.OrEmpty().Replace("\n", "", StringComparison.Ordinal).Replace("\r", "", StringComparison.Ordinal);

        /// <summary>Length of the decoded data; null when it can't be decoded. Go skips line breaks in base64, and nothing else.</summary>
        private int? Decoded => Text is var text && !text.Any(char.IsWhiteSpace) && System.Buffers.Text.Base64.IsValid(text, out var length) ? length : null;

        /// <summary>Length of what can be decoded before the first bad character, in groups of four.</summary>
        private int Readable => Text.TakeWhile(c => char.IsAsciiLetterOrDigit(c) || c is '+' or '/').Count() / 4 * 3;
    }
}
