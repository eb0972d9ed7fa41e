namespace Troupe.Launcher.Converter;

/// <summary>The spec asks for something that cannot be made of it.</summary>
/// <param name="field">Path of the field, <c>spec.domain.devices.gpus</c>.</param>
/// <param name="isInvalid">It makes no sense anywhere; otherwise it is only not supported here.</param>
public sealed class UnsupportedSpecException(string field, string message, bool isInvalid = false) : Exception($"{field}: {message}")
{
    public string Field { get; } = field;
    public bool IsInvalid { get; } = isInvalid;
}
