namespace Troupe.ControlPlane.Admission;

/// <summary>A request can't be answered by rules: what it says can't be read, or the cluster forbids it altogether.</summary>
public sealed class AdmissionException(string message) : Exception(message);
